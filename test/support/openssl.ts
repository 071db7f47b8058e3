import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs openssl and returns both its streams; rejects when it ends with a failure. */
export async function openssl(args: readonly string[], cwd?: string): Promise<string> {
  const { stdout, stderr } = await run('openssl', args, { cwd, timeout: 20_000 });
  return stdout + stderr;
}
