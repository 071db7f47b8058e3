import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** What a server of a test prints: `Readable` is read, `null` is dropped. */
type ChildServer<Out extends Readable | null, Err extends Readable | null> = ChildProcessByStdio<
  Writable,
  Out,
  Err
>;

const ENDS_WITH_PARENT = join(import.meta.dirname, 'ends-with-parent.cjs');

/**
 * Starts a server that a test needs. It ends with SIGTERM to what is returned, and by itself when this process is gone: a test run that was
 * killed leaves nothing behind. SIGKILL would leave the server.
 */
export function spawnServer(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly reads: 'stdout' },
): ChildServer<Readable, null>;
export function spawnServer(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly reads: 'stderr' },
): ChildServer<null, Readable>;
export function spawnServer(
  file: string,
  args: readonly string[],
  { cwd, reads }: { readonly cwd?: string; readonly reads: 'stdout' | 'stderr' },
): ChildServer<Readable | null, Readable | null> {
  const started = [ENDS_WITH_PARENT, file, ...args];
  const env = { ...process.env, NODE_OPTIONS: '' };
  return reads === 'stdout'
    ? spawn(process.execPath, started, { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] })
    : spawn(process.execPath, started, { cwd, env, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** Whether anybody takes connections there. */
export async function listens(port: number, address = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
