import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, fchmodSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { messageOf, StoreError, ToolError, throwIfInterrupted } from '../core/errors.js';
import type {
  Clock,
  HostFacts,
  LaunchOptions,
  ProcessIdentity,
  ProcessRunner,
  RunOptions,
  RunResult,
} from '../core/ports.js';
import { terminalEnvironment, toolEnvironment } from './child-environment.js';
import { findProgram } from './find-program.js';
import { OutputCapture } from './output-capture.js';
import { type ProcessObserver, reportOf } from './process-report.js';
import { signalTree } from './stop-process.js';

const MIB = 2 ** 20;
/** The cap of ProcessRunner.run, for each stream. */
const OUTPUT_LIMIT_BYTES = 16 * MIB;
/** From being asked to end to being killed. */
const GRACE_MS = 2_000;
/** A program that has ended may have left a daemon that still holds our pipe: nobody waits for it after so much silence. */
const DRAIN_MS = 500;

export interface SystemProcessesParts {
  readonly facts: Pick<HostFacts, 'platform' | 'env'>;
  readonly clock: Clock;
  /** `ProcessTable.identify`: what `launch` answers with. */
  readonly identify: (pid: number) => Promise<ProcessIdentity | undefined>;
  /** Told of every program, for `--debug`. */
  readonly observe?: ProcessObserver | undefined;
}

interface Ended {
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** Why a program was ended by us. */
type Stop = 'interrupted' | 'too late' | 'too much output';

/** External programs, by argument array. */
export class SystemProcesses implements ProcessRunner {
  readonly #facts: Pick<HostFacts, 'platform' | 'env'>;
  readonly #clock: Clock;
  readonly #identify: SystemProcessesParts['identify'];
  readonly #observe: ProcessObserver;

  constructor({ facts, clock, identify, observe = () => undefined }: SystemProcessesParts) {
    this.#facts = facts;
    this.#clock = clock;
    this.#identify = identify;
    this.#observe = observe;
  }

  find(program: string): Promise<string | undefined> {
    return findProgram(program, this.#facts);
  }

  /** A signal or a time limit ends the program with everything it has started. Throws ToolError or InterruptedError. */
  async run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const begunAt = this.#clock.monotonic();
    const child = await this.#start(file, args, options.signal, {
      cwd: options.cwd,
      env: toolEnvironment(this.#facts, options.env),
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      // A process group of its own: it can be ended whole, and Ctrl-C on the terminal reaches us first.
      detached: this.#facts.platform !== 'win32',
    });
    let stop: Stop | undefined;
    const stopBecause = (why: Stop) => {
      stop ??= why;
      overflow.abort();
    };
    const overflow = new AbortController();
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) =>
      stream === null
        ? undefined
        : new OutputCapture(stream, OUTPUT_LIMIT_BYTES, () => stopBecause('too much output')),
    );
    feed(child, options.input);
    const ended = await this.#end(child, { ...options, stopNow: overflow.signal, onStop: stopBecause });
    const result = { status: ended.status, stdout: stdout?.text() ?? '', stderr: stderr?.text() ?? '' };
    const elapsedMs = this.#clock.monotonic() - begunAt;
    this.#observe(reportOf({ file, args, elapsedMs, outcome: outcomeOf(ended), ...result }));
    if (stop === undefined) return result;
    if (stop === 'interrupted' && options.signal !== undefined) throwIfInterrupted(options.signal);
    throw new ToolError({
      file,
      args,
      status: ended.status,
      stderr: result.stderr,
      reason:
        stop === 'too late'
          ? `it did not end within ${(options.timeoutMs ?? 0) / 1000} s and was stopped`
          : `it printed more than ${OUTPUT_LIMIT_BYTES / MIB} MiB and was stopped`,
    });
  }

  async attach(file: string, args: readonly string[], options: RunOptions = {}): Promise<number> {
    const begunAt = this.#clock.monotonic();
    const child = await this.#start(file, args, options.signal, {
      cwd: options.cwd,
      env: terminalEnvironment(this.#facts, options.env),
      stdio: [options.input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
    });
    feed(child, options.input);
    let stop: Stop | undefined;
    const ended = await this.#end(child, { ...options, onStop: (why) => (stop ??= why) });
    const elapsedMs = this.#clock.monotonic() - begunAt;
    this.#observe(reportOf({ file, args, elapsedMs, outcome: outcomeOf(ended) }));
    if (stop === 'interrupted' && options.signal !== undefined) throwIfInterrupted(options.signal);
    return ended.status ?? 128 + (ended.signal === undefined ? 0 : constants.signals[ended.signal]);
  }

  /** Throws ToolError with the end of the program's output when it has ended before it could be identified. */
  async launch(file: string, args: readonly string[], options: LaunchOptions): Promise<ProcessIdentity> {
    const begunAt = this.#clock.monotonic();
    const output = openOutput(options.outputPath);
    let child: ChildProcess;
    try {
      child = await this.#start(file, args, undefined, {
        cwd: options.cwd,
        env: toolEnvironment(this.#facts, options.env),
        stdio: ['ignore', output, output],
        detached: true,
      });
    } finally {
      closeSync(output);
    }
    const exit = new Promise<Ended>((resolve) => {
      child.once('exit', (status, signal) => resolve(ended(status, signal)));
    });
    const identity = child.pid === undefined ? undefined : await this.#identify(child.pid);
    const elapsedMs = this.#clock.monotonic() - begunAt;
    if (identity !== undefined) {
      child.unref();
      this.#observe(reportOf({ file, args, elapsedMs, outcome: `started as process ${identity.pid}` }));
      return identity;
    }
    const { status } = await exit;
    const stderr = await readFile(options.outputPath, 'utf8').catch(() => '');
    this.#observe(reportOf({ file, args, elapsedMs, outcome: 'ended at once', stderr: stderr.slice(-4096) }));
    throw new ToolError({ file, args, status, stderr: stderr.slice(-4096) });
  }

  /** Resolves when the program runs. */
  async #start(
    file: string,
    args: readonly string[],
    signal: AbortSignal | undefined,
    options: SpawnOptions,
  ): Promise<ChildProcess> {
    if (signal !== undefined) throwIfInterrupted(signal);
    const program = await this.find(file);
    if (program === undefined) {
      throw this.#notStarted(file, args, 'there is no such program, or it may not be run');
    }
    if (this.#facts.platform === 'win32' && /\.(cmd|bat)$/i.test(program)) {
      throw this.#notStarted(
        file,
        args,
        'it is a batch file, which only a shell can run, and the shell would interpret its arguments',
        [`put the .exe of "${file}" on PATH before "${program}"`],
      );
    }
    try {
      const child = spawn(program, args, { ...options, windowsHide: true });
      await new Promise((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.on('error', () => undefined); // from here on: a signal that could not be sent; the end is told by 'exit'
      return child;
    } catch (error) {
      throw this.#notStarted(file, args, messageOf(error), [], error);
    }
  }

  #notStarted(
    file: string,
    args: readonly string[],
    reason: string,
    nextSteps: readonly string[] = [],
    cause?: unknown,
  ): ToolError {
    this.#observe(reportOf({ file, args, elapsedMs: 0, outcome: `not started: ${reason}` }));
    return new ToolError({
      file,
      args,
      status: undefined,
      stderr: '',
      reason: `it could not be started: ${reason}`,
      nextSteps,
      cause,
    });
  }

  /** Waits for the end, and brings it about when time is up or a signal is raised. */
  async #end(
    child: ChildProcess,
    limits: Pick<RunOptions, 'signal' | 'timeoutMs'> & {
      readonly stopNow?: AbortSignal;
      readonly onStop: (why: Stop) => void;
    },
  ): Promise<Ended> {
    const over = new AbortController();
    const stop = () => {
      signalTree(child, 'SIGTERM', this.#facts);
      this.#after(GRACE_MS, over.signal, () => signalTree(child, 'SIGKILL', this.#facts));
    };
    const interrupt = () => {
      limits.onStop('interrupted');
      stop();
    };
    if (limits.signal?.aborted) interrupt();
    limits.signal?.addEventListener('abort', interrupt, { once: true });
    limits.stopNow?.addEventListener('abort', stop, { once: true });
    if (limits.timeoutMs !== undefined) {
      this.#after(limits.timeoutMs, over.signal, () => {
        limits.onStop('too late');
        stop();
      });
    }
    try {
      return await new Promise((resolve) => {
        const closed = new Promise((close) => child.once('close', close));
        child.once('exit', (status, signal) => {
          void Promise.race([closed, this.#quiet(child, over.signal)]).then(() => {
            child.stdout?.destroy();
            child.stderr?.destroy();
            resolve(ended(status, signal));
          });
        });
      });
    } finally {
      over.abort();
      limits.signal?.removeEventListener('abort', interrupt);
    }
  }

  /** Resolves when the program's pipes have brought nothing for a while. */
  async #quiet(child: ChildProcess, cancel: AbortSignal): Promise<void> {
    let news = true;
    const notice = () => {
      news = true;
    };
    child.stdout?.on('data', notice);
    child.stderr?.on('data', notice);
    while (news && !cancel.aborted) {
      news = false;
      await this.#clock.sleep(DRAIN_MS, cancel).catch(() => undefined); // cancelled: the pipes have closed
    }
  }

  #after(ms: number, cancel: AbortSignal, action: () => void): void {
    this.#clock.sleep(ms, cancel).then(action, () => undefined); // cancelled: the program has ended
  }
}

/** Throws StoreError. */
function openOutput(path: string): number {
  try {
    const output = openSync(path, 'a', 0o600);
    fchmodSync(output, 0o600); // the file may be an older one with a wider mode
    return output;
  } catch (error) {
    throw new StoreError({
      code: 'LOG_NOT_WRITABLE',
      message: `Could not write the log "${path}"`,
      reason: messageOf(error),
      nextSteps: ['make its directory writable, or free some space, and run the command again'],
      cause: error,
    });
  }
}

function feed(child: ChildProcess, input: string | Uint8Array | undefined): void {
  child.stdin?.on('error', () => undefined); // a program may end without reading what it was given
  if (input !== undefined) child.stdin?.end(input);
}

function ended(status: number | null, signal: NodeJS.Signals | null): Ended {
  return { status: status ?? undefined, signal: signal ?? undefined };
}

function outcomeOf({ status, signal }: Ended): string {
  return status === undefined ? `signal ${signal ?? 'unknown'}` : `exit code ${status}`;
}
