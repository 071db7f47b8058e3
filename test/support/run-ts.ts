import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** A TypeScript program of ours as one JavaScript file that `node` runs: for tests that need processes of their own. */
export interface BundledProgram {
  /** Start it with `process.execPath`. */
  readonly file: string;
  remove(): Promise<void>;
}

/**
 * Bundles `entry` (an absolute path) and everything of ours that it imports; takes about half a second, so do it once, in `beforeAll`.
 * Rejects with the bundler's words when the program does not hold together.
 */
export async function bundleProgram(entry: string): Promise<BundledProgram> {
  const directory = await mkdtemp(join(tmpdir(), 'tmachine-program-'));
  const file = join(directory, 'program.mjs');
  // In a process of its own: the bundler's native part does not load inside jest's sandbox.
  const rolldown = join(ROOT, 'node_modules', 'rolldown', 'bin', 'cli.mjs');
  await run(process.execPath, [rolldown, entry, '-o', file, '--platform', 'node', '--format', 'esm'], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 60_000,
  });
  return { file, remove: () => rm(directory, { recursive: true, force: true }) };
}
