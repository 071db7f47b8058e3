import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'vboxmanage');

/** What a real VBoxManage printed: `VERSION-PLATFORM/SUBJECT` of test/fixtures/vboxmanage. */
export function recording(name: string): { readonly stdout: string; readonly stderr: string } {
  const { stdout, stderr }: { stdout: string | null; stderr: string | null } = JSON.parse(
    readFileSync(join(FOLDER, `${name}.json`), 'utf8'),
  );
  return { stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** As the answer of a failed call. */
export function failedCall(name: string): { stdout: string; stderr: string; status: number } {
  return { ...recording(name), status: 1 };
}
