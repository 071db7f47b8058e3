import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'virtualbox');

/** What VirtualBox said, without the line that tells where it was recorded or is quoted from. `name` is `FOLDER/NAME`. */
export function virtualBoxFixture(name: string): string {
  const text = readFileSync(join(FOLDER, `${name}.txt`), 'utf8');
  const [origin = '', ...rest] = text.split('\n');
  if (!/^# origin: (recorded here|quoted)/.test(origin)) {
    throw new Error(`${name} does not tell where it is from`);
  }
  return rest.join('\n');
}

/** The names of all fixtures in a folder, as `virtualBoxFixture` takes them. */
export function virtualBoxFixtures(folder: string): string[] {
  return readdirSync(join(FOLDER, folder))
    .filter((file) => file.endsWith('.txt'))
    .map((file) => `${folder}/${file.slice(0, -4)}`)
    .sort();
}
