import type { App, Call } from '../core/app.js';
import type { DiagnosisParts } from '../core/diagnosis/parts.js';
import type { FlagValues } from '../core/driver.js';
import type { VariableChange } from '../core/variable-change.js';

/** All that a running command touches. `compose.ts` makes the real one. */
export interface World {
  readonly app: App;
  readonly call: Call;
  /** The program as it was called: `tmachine`, `docker-machine`, on Windows with its path. */
  readonly programName: string;
  /** The text with the program's name as it was called, where a command to type is named; the reporter's lines and errors need it not. */
  asCalled(text: string): string;
  /** The whole command line as it was typed, for the hint of `env`. */
  readonly commandLine: readonly string[];
  readonly stdout: { write(text: string): void };
  /** Asks a y/n question; `end` when the input ends without an answer. */
  ask(question: string): Promise<'yes' | 'no' | 'end'>;
  /** What the process answers its caller with when the command ends well. */
  exitWith(code: number): void;
  /**
   * The user's shell: `to print for`, as `env` without `--shell` does, which may say that another can be named, or `to open`. Throws
   * TmachineError when it cannot be told.
   */
  detectShell(purpose?: 'to print for' | 'to open'): Promise<string>;
  /** The driver for a `create` that names none, and why. Throws HostNotReadyError when this computer can run no driver. */
  chooseDriver(): Promise<{ readonly name: string; readonly reason: string; readonly isUsual?: boolean }>;
  /** What `quickstart` prints before it opens a shell: `{{name}}`, `{{address}}` and `{{next}}` stand for what is different each time. */
  readonly whale: string;
  /**
   * Runs a program on our terminal with the caller's environment and these changes; resolves with its exit code. Ctrl-C is the program's
   * until it ends. Throws ToolError when it cannot be started.
   */
  lendTerminal(
    program: { readonly file: string; readonly args: readonly string[] },
    changes: readonly VariableChange[],
  ): Promise<number>;
  /** What `doctor` looks at beyond the app. */
  diagnosisParts(): DiagnosisParts;
}

export interface Compose {
  readonly environment: Readonly<Record<string, string | undefined>>;
  world(setup: {
    readonly flags: FlagValues;
    /** Where a flag's value is from: `--proxy` or `MACHINE_PROXY`. */
    readonly originOf: (flag: string) => string;
    readonly talksOn: 'stdout' | 'stderr';
  }): World;
}
