import { type ChildProcess, spawn } from 'node:child_process';
import { win32 } from 'node:path';
import type { HostFacts } from '../core/ports.js';

/**
 * Sends a signal to a child and, when it leads a process group of its own, to everything it has started. On Windows both signals end the
 * whole tree at once: there is no way to ask.
 */
export function signalTree(
  child: ChildProcess,
  signal: 'SIGTERM' | 'SIGKILL',
  { platform, env }: Pick<HostFacts, 'platform' | 'env'>,
): void {
  if (child.pid === undefined) return;
  if (platform === 'win32') {
    const taskkill = win32.join(env.SystemRoot ?? 'C:\\Windows', 'System32', 'taskkill.exe');
    spawn(taskkill, ['/PID', String(child.pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true })
      .once('error', () => child.kill())
      .unref();
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal); // no group of its own, or the group is gone: then this does nothing
  }
}
