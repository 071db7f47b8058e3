import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new empty directory for one test file, and the way to be rid of it. */
export async function temporaryDirectory(
  name: string,
): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `tmachine-${name}-`));
  // Again, when a process that is about to end has put a file into it meanwhile.
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 10 }) };
}
