import { messageOf, StoreError, TmachineError } from '../core/errors.js';
import { systemErrorCode } from '../core/system-error.js';

interface Fault {
  readonly code: string;
  readonly reason: string;
  readonly nextSteps: readonly string[];
}

const ELSEWHERE = 'or keep machines elsewhere, with --storage-path or MACHINE_STORAGE_PATH';
const FORBIDDEN: Fault = {
  code: 'STORE_NOT_WRITABLE',
  reason: 'this user may not do so',
  nextSteps: [
    'look whom the directory belongs to; a command run once with sudo may have made it its own',
    ELSEWHERE,
  ],
};
const FULL: Fault = {
  code: 'STORE_FULL',
  reason: 'the disk is full',
  nextSteps: ['free some space and run the command again', ELSEWHERE],
};

const FAULTS: Readonly<Record<string, Fault>> = {
  ENOSPC: FULL,
  EDQUOT: { ...FULL, reason: 'the disk quota of this user is used up' },
  EFBIG: { ...FULL, reason: 'the file system takes no file of this size' },
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: {
    code: 'STORE_NOT_WRITABLE',
    reason: 'the file system is read-only',
    nextSteps: [
      'make it writable (a file system becomes read-only after an error: see the system log)',
      ELSEWHERE,
    ],
  },
  EMFILE: {
    code: 'TOO_MANY_FILES',
    reason: 'this process or this computer has too many open files',
    nextSteps: ['close other programs, or raise the limit (ulimit -n), and run the command again'],
  },
  ENAMETOOLONG: {
    code: 'PATH_TOO_LONG',
    reason: 'the path is longer than this system allows',
    nextSteps: ['use a shorter machine name', ELSEWHERE],
  },
};

/** `ENOENT`, not Node's own `ERR_INVALID_ARG_TYPE`. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/;

/**
 * The error of a file operation in the user's words, to be thrown. `what` says what could not be done: `Could not write "PATH"`. What is
 * explained already passes as it is, and so does what is no failure of the system: that is a bug.
 */
export function storeFault(what: string, error: unknown): unknown {
  const code = systemErrorCode(error) ?? '';
  if (error instanceof TmachineError || !SYSTEM_CODE.test(code)) return error;
  const fault = FAULTS[code] ?? {
    code: 'STORE_FAULT',
    reason: messageOf(error),
    nextSteps: ['look at the path and its directory, then run the command again'],
  };
  return new StoreError({ ...fault, message: what, cause: error });
}
