import { messageOf } from '../core/errors.js';
import type { HostFacts } from '../core/ports.js';
import { systemErrorCode } from '../core/system-error.js';

const POSIX: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ELOOP: 'too many levels of symbolic links',
  EIO: 'input/output error',
};

const WINDOWS: Readonly<Record<string, string>> = {
  ENOENT: 'The system cannot find the file specified.',
  ENOTDIR: 'The system cannot find the path specified.',
  EISDIR: 'Incorrect function.',
  EACCES: 'Access is denied.',
  EPERM: 'Access is denied.',
  EBUSY: 'The process cannot access the file because it is being used by another process.',
};

/** What the operating system says of a failed file operation: the words that Go's errors end with. */
export function systemText(error: unknown, platform: HostFacts['platform']): string {
  const texts = platform === 'win32' ? WINDOWS : POSIX;
  return texts[systemErrorCode(error) ?? ''] ?? messageOf(error);
}
