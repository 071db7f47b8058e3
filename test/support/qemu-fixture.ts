import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'qemu', '7.2-linux');

/** What QEMU 7.2 said, without the line that tells where the recording is from. */
export function qemuFixture(name: string): string {
  const text = readFileSync(join(FOLDER, `${name}.txt`), 'utf8');
  const [origin = '', ...rest] = text.split('\n');
  if (!origin.startsWith('# origin: ')) throw new Error(`${name} does not tell where it is from`);
  return rest.join('\n');
}
