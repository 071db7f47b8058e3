import type { App, Call } from '../core/app.js';
import type { DriverOption, FlagValues } from '../core/driver.js';

/** All that a running command touches. `compose.ts` makes the real one. */
export interface World {
  readonly app: App;
  readonly call: Call;
  /** The program as it was called: `tmachine`, `docker-machine`, on Windows with its path. */
  readonly programName: string;
  /** The whole command line as it was typed, for the hint of `env`. */
  readonly commandLine: readonly string[];
  readonly stdout: { write(text: string): void };
  /** Asks a y/n question on the terminal; throws TmachineError when there is nobody to ask. */
  confirm(question: string): Promise<boolean>;
  /** What the process answers its caller with when the command ends well. */
  exitWith(code: number): void;
  /** The user's shell, for `env` without `--shell`. Throws TmachineError when it cannot be told. */
  detectShell(): Promise<string>;
  /** The driver for a `create` that names none, and why. Throws HostNotReadyError when this computer can run no driver. */
  chooseDriver(): Promise<{ readonly name: string; readonly reason: string }>;
}

export interface Compose {
  readonly environment: Readonly<Record<string, string | undefined>>;
  world(setup: { readonly flags: FlagValues; readonly talksOn: 'stdout' | 'stderr' }): World;
  /** The options of a driver, or of all when no name is given: what `create` and its help accept. Throws for an unknown name (E13). */
  driverOptions(name: string | undefined): readonly DriverOption[];
}
