import { Command } from '@oclif/core/command';
import type { App, Call } from '../core/app.js';
import type { FlagValues } from '../core/driver.js';
import { argumentsOf } from './argv.js';
import { type CommandSpec, flagsOf, GLOBAL_FLAGS } from './flag-spec.js';
import { readFlagValues } from './flag-values.js';
import { toOclifFlags } from './oclif-flags.js';
import type { Compose, World } from './world.js';

/**
 * What every command shares. A command declares its `spec` and writes `work`: call one action, print. Its command line is in the
 * form that `normalizeArgv` makes.
 */
export abstract class BaseCommand extends Command {
  static spec: CommandSpec;
  /** The world to work in: main.ts puts the real one here, tests another. */
  static compose: Compose;
  static override strict = false;

  /** Life-cycle commands talk on stdout, as docker-machine does; commands whose stdout is an answer talk on stderr. */
  protected readonly talksOn: 'stdout' | 'stderr' = 'stderr';

  /** The words that are not flags. */
  protected words: readonly string[] = [];
  /** Flags that the user gave, by the line or a variable; the others have their defaults. */
  protected given: ReadonlySet<string> = new Set();
  /** Where a flag's value is from, for messages: `--proxy` or `MACHINE_PROXY`. */
  protected originOf: (flag: string) => string = (flag) => `--${flag}`;

  #flags: FlagValues = {};
  #world: World | undefined;

  protected abstract work(): Promise<void>;

  override async run(): Promise<void> {
    const { spec, compose } = this.constructor as typeof BaseCommand;
    this.words = argumentsOf(this.argv);
    const own = flagsOf(spec, this.argv, compose.environment);
    // A command's own flag hides the program's, with its variable.
    const specs = [...own, ...GLOBAL_FLAGS.filter(({ name }) => !own.some((flag) => flag.name === name))];
    const parsed = await this.parse({ flags: toOclifFlags(specs), strict: false }, this.argv);
    const read = readFlagValues(specs, parsed.flags, compose.environment);
    this.#flags = read.values;
    this.given = read.given;
    this.originOf = read.originOf;
    this.#world = compose.world({
      flags: read.values,
      originOf: read.originOf,
      talksOn: this.talksOn,
    });
    for (const warning of read.warnings) this.call.reporter.warn(warning);
    await this.work();
  }

  protected get world(): World {
    if (this.#world === undefined) throw new Error('a command has no world before it runs');
    return this.#world;
  }

  protected get app(): App {
    return this.world.app;
  }

  protected get call(): Call {
    return this.world.call;
  }

  protected get programName(): string {
    return this.world.programName;
  }

  protected get flagValues(): FlagValues {
    return this.#flags;
  }

  protected isOn(flag: string): boolean {
    return this.#flags[flag] === true;
  }

  protected text(flag: string): string {
    const value = this.#flags[flag];
    return typeof value === 'string' ? value : '';
  }

  protected count(flag: string): number {
    const value = this.#flags[flag];
    return typeof value === 'number' ? value : 0;
  }

  protected list(flag: string): readonly string[] {
    const value = this.#flags[flag];
    return Array.isArray(value) ? value : [];
  }

  /** A line of the answer, on stdout. */
  protected print(line: string): void {
    this.world.stdout.write(`${line}\n`);
  }

  protected printJson(value: unknown): void {
    this.print(JSON.stringify(value, undefined, 2));
  }
}
