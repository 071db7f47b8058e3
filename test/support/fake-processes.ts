import { isDeepStrictEqual } from 'node:util';
import type {
  LaunchOptions,
  ProcessIdentity,
  ProcessRunner,
  RunOptions,
  RunResult,
} from '../../src/core/ports.js';

/** A call that the code under test is to make, and what it gets. */
export interface ExpectedCall {
  /** Default: `run`. */
  readonly method?: 'run' | 'attach' | 'launch';
  readonly file: string;
  /** Exactly these, or a rule for arguments that change (a random name). */
  readonly args: readonly string[] | ((args: readonly string[]) => boolean);
  /** What the program must get on its standard input; unchecked when absent. */
  readonly input?: string | Uint8Array;
  /** Of `run`; missing fields are status 0 and empty streams. */
  readonly result?: Partial<RunResult>;
  /** Of `attach`; default 0. */
  readonly exitCode?: number;
  /** Of `launch`; default process 4711. */
  readonly process?: ProcessIdentity;
  /** Thrown instead of an answer. */
  readonly error?: Error;
  /** Runs before the answer: to change a file as the program would, or to raise a signal. */
  readonly effect?: (args: readonly string[], options: RunOptions | LaunchOptions) => void | Promise<void>;
}

export interface FakeProcessesOptions {
  /** What `find` answers, by program name. Without it every program that an expectation names is found as itself. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Calls may come in any order (default: in the order given). */
  readonly anyOrder?: boolean;
}

export interface RecordedCall {
  readonly method: 'run' | 'attach' | 'launch';
  readonly file: string;
  readonly args: readonly string[];
  readonly options: RunOptions | LaunchOptions;
}

/**
 * Programs that answer from a list. An unexpected call throws at once, and again in `verify`, because the code under test may have caught
 * it; `verify` also throws for an expectation that was not used. Call `verify()` at the end of every test.
 */
export class FakeProcesses implements ProcessRunner {
  readonly calls: RecordedCall[] = [];
  readonly #expected: ExpectedCall[];
  readonly #unexpected: string[] = [];
  readonly #options: FakeProcessesOptions;
  readonly #names: ReadonlySet<string>;

  constructor(expected: readonly ExpectedCall[] = [], options: FakeProcessesOptions = {}) {
    this.#expected = [...expected];
    this.#names = new Set(expected.map(({ file }) => file));
    this.#options = options;
  }

  async find(program: string): Promise<string | undefined> {
    const { programs } = this.#options;
    if (programs !== undefined) return programs[program];
    return this.#names.has(program) ? program : undefined;
  }

  async run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const call = await this.#take({ method: 'run', file, args, options });
    return { status: 0, stdout: '', stderr: '', ...call.result };
  }

  async attach(file: string, args: readonly string[], options: RunOptions = {}): Promise<number> {
    const call = await this.#take({ method: 'attach', file, args, options });
    return call.exitCode ?? 0;
  }

  async launch(file: string, args: readonly string[], options: LaunchOptions): Promise<ProcessIdentity> {
    const call = await this.#take({ method: 'launch', file, args, options });
    return call.process ?? { pid: 4711, startedAt: 'boot 1' };
  }

  /** Throws when a call came that was not expected, or an expected one did not come. */
  verify(): void {
    const faults = [
      ...this.#unexpected.map((call) => `unexpected call: ${call}`),
      ...this.#expected.map((call) => `call that never came: ${describeExpected(call)}`),
    ];
    if (faults.length > 0) throw new Error(faults.join('\n'));
  }

  async #take(call: RecordedCall): Promise<ExpectedCall> {
    if ('signal' in call.options) call.options.signal?.throwIfAborted();
    this.calls.push(call);
    const candidates = this.#options.anyOrder ? this.#expected : this.#expected.slice(0, 1);
    const found = candidates.find((expected) => matches(expected, call));
    if (found === undefined) {
      this.#unexpected.push(describe(call));
      const next = candidates.map(describeExpected).join('\n  or ') || 'none';
      throw new Error(`unexpected call: ${describe(call)}\nexpected: ${next}`);
    }
    this.#expected.splice(this.#expected.indexOf(found), 1);
    await found.effect?.(call.args, call.options);
    if (found.error !== undefined) throw found.error;
    return found;
  }
}

function matches(expected: ExpectedCall, call: RecordedCall): boolean {
  const { input } = 'input' in call.options ? call.options : { input: undefined };
  return (
    (expected.method ?? 'run') === call.method &&
    expected.file === call.file &&
    (typeof expected.args === 'function'
      ? expected.args(call.args)
      : isDeepStrictEqual([...expected.args], [...call.args])) &&
    (expected.input === undefined || isDeepStrictEqual(bytes(expected.input), bytes(input ?? '')))
  );
}

function bytes(input: string | Uint8Array): Buffer {
  return Buffer.from(input);
}

function describe(call: { method: string; file: string; args: readonly string[] }): string {
  return `${call.method} ${JSON.stringify([call.file, ...call.args])}`;
}

function describeExpected({ method = 'run', file, args }: ExpectedCall): string {
  return typeof args === 'function' ? `${method} ${file} (by rule)` : describe({ method, file, args });
}
