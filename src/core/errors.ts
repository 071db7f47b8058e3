/** What the process answers its caller with. `ssh` passes the remote code through instead. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  hostNotReady: 3,
  bug: 70,
  interrupted: 130,
} as const;

export interface ErrorDetails {
  /** Stable and searchable, such as `QEMU_NOT_FOUND`. */
  readonly code: string;
  /** What happened, one line, no trailing full stop unless the contract's text has one. */
  readonly message: string;
  /** Why, one sentence. */
  readonly reason?: string | undefined;
  /** What to do next: sentences, or commands that can be pasted. */
  readonly nextSteps?: readonly string[];
  /** The message is docker-machine's own text: it is printed byte for byte, without a mark before it. */
  readonly verbatim?: boolean;
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** An expected failure. Whatever else reaches the top is a bug in tmachine and says so. */
export class TmachineError extends Error {
  readonly code: string;
  readonly reason: string | undefined;
  readonly nextSteps: readonly string[];
  readonly verbatim: boolean;
  readonly exitCode: number;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.reason = details.reason;
    this.nextSteps = details.nextSteps ?? [];
    this.verbatim = details.verbatim ?? false;
    this.exitCode = details.exitCode ?? ExitCode.failure;
  }
}

type ChildDetails = Omit<ErrorDetails, 'exitCode'>;

/** The command line is wrong: the user acts. */
export class UsageError extends TmachineError {
  constructor(details: Omit<ChildDetails, 'code'> & { code?: string }) {
    super({ code: 'USAGE', ...details, exitCode: ExitCode.usage });
  }
}

/** This computer is not ready: nothing has been created. */
export class HostNotReadyError extends TmachineError {
  constructor(details: ChildDetails) {
    super({ ...details, exitCode: ExitCode.hostNotReady });
  }
}

/** The named machine is not in the store (E5 of the contract). */
export class MachineNotFoundError extends TmachineError {
  constructor(machineName: string) {
    super({
      code: 'MACHINE_NOT_FOUND',
      verbatim: true,
      message: `Docker machine "${machineName}" does not exist. Use "docker-machine ls" to list machines. Use "docker-machine create" to add a new one.`,
    });
  }
}

/** The machine is in a state that does not allow the command. */
export class WrongStateError extends TmachineError {}

/** The store could not be read or written. */
export class StoreError extends TmachineError {}

/** The connection to a guest by SSH failed, or a command in it did. */
export class GuestError extends TmachineError {}

/** The engine does not answer as it should; `code` names the cause (P21). */
export class EngineUnreachableError extends TmachineError {}

/** A download failed; `stage` says where, so that the next step can name the right person to ask. */
export class DownloadError extends TmachineError {
  readonly stage: 'proxy' | 'connect' | 'tls' | 'status' | 'content' | 'digest' | 'disk';

  constructor(details: ErrorDetails & { readonly stage: DownloadError['stage'] }) {
    super(details);
    this.stage = details.stage;
  }
}

/** A wait ended without what it waited for. */
export class TimedOutError extends TmachineError {
  readonly lastSeen: string;

  constructor(details: ErrorDetails & { readonly lastSeen: string }) {
    super(details);
    this.lastSeen = details.lastSeen;
  }
}

/** Ctrl-C, or a signal that asks us to end. */
export class InterruptedError extends TmachineError {
  constructor(message = 'Interrupted', nextSteps: readonly string[] = []) {
    super({ code: 'INTERRUPTED', message, nextSteps, exitCode: ExitCode.interrupted });
  }
}

/** A program ended with a failure. The caller may recognise the output and throw something that explains more. */
export class ToolError extends TmachineError {
  readonly file: string;
  readonly args: readonly string[];
  readonly status: number | undefined;
  readonly stderr: string;

  constructor(details: {
    readonly file: string;
    readonly args: readonly string[];
    readonly status: number | undefined;
    readonly stderr: string;
    readonly reason?: string;
    readonly nextSteps?: readonly string[];
    readonly cause?: unknown;
  }) {
    const lastLine = details.stderr.trim().split('\n').at(-1) ?? '';
    super({
      code: 'TOOL_FAILED',
      message: `"${details.file}" ended with ${details.status === undefined ? 'no exit code' : `exit code ${details.status}`}`,
      reason: details.reason ?? (lastLine === '' ? undefined : lastLine),
      nextSteps: details.nextSteps ?? [],
      cause: details.cause,
    });
    this.file = details.file;
    this.args = details.args;
    this.status = details.status;
    this.stderr = details.stderr;
  }
}

/** Throws when the signal has been raised: call it between steps that do not watch the signal themselves. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) {
    throw signal.reason instanceof TmachineError ? signal.reason : new InterruptedError();
  }
}

/** One line of text for any thrown value. */
export function messageOf(error: unknown): string {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return isError ? String(error.message) : String(error);
}
