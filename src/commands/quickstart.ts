import { createFlags, findDriverName } from '../cli/create-flags.js';
import { CreatingCommand } from '../cli/creating-command.js';
import { driverOptions, knownDriver } from '../cli/driver-options.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import type { Connection } from '../core/actions/connection.js';
import { QUICKSTART_STEPS, quickstart } from '../core/actions/quickstart.js';
import { dockerEnvironment } from '../core/docker-environment.js';
import { InterruptedError, TmachineError, UsageError } from '../core/errors.js';
import { assertMachineName } from '../core/machine.js';
import type { VariableChange } from '../core/variable-change.js';
import { msysEnvironment, shellToOpen, withoutForeignAllProxy } from '../shells/open.js';

export const spec: CommandSpec = {
  name: 'quickstart',
  usage: 'Make or repair a machine and open a shell that uses it',
  description:
    'Arguments are [name] [-- command]. Makes the machine if there is none, with the flags of "create"; starts and repairs it otherwise. ' +
    'Then opens your shell, or runs the command, with the environment for the Docker client, and ends with its exit code. ' +
    'Without a name: DOCKER_MACHINE_NAME, else "default".',
  flags: createFlags(),
  flagsFor: (args, env) =>
    createFlags(...driverOptions(findDriverName(args) ?? knownDriver(env.MACHINE_DRIVER))),
  takesCommand: true,
};

export default class Quickstart extends CreatingCommand {
  static override readonly spec = spec;
  protected override readonly talksOn = 'stdout';

  protected async work(): Promise<void> {
    const { name, command } = this.target();
    let step: string = QUICKSTART_STEPS.exists(name);
    try {
      const found = await quickstart(
        this.app,
        {
          name,
          programName: this.programName,
          create: () => this.createRequest(name),
          handsOverProxies: !this.given.has('engine-proxy'),
          onStep: (next) => {
            step = next;
          },
        },
        this.call,
      );
      step = QUICKSTART_STEPS.finalize();
      this.world.exitWith(await this.finalize(found, command));
    } catch (error) {
      throw withStep(error, step);
    }
  }

  /** Throws UsageError for more than one name, or one that no machine can have. */
  private target(): { readonly name: string; readonly command: readonly string[] } {
    const end = this.words.indexOf('--');
    const names = end < 0 ? this.words : this.words.slice(0, end);
    const command = end < 0 ? [] : this.words.slice(end + 1);
    const [name = this.app.facts.env['DOCKER_MACHINE_NAME'] || 'default', ...extra] = names;
    if (extra.length > 0) {
      throw new UsageError({
        verbatim: true,
        message: `Invalid command line. Found extra arguments [${extra.join(' ')}]`,
        nextSteps: [`a command stands behind two dashes: ${this.programName} quickstart ${name} -- COMMAND`],
      });
    }
    assertMachineName(name, this.app.facts.platform);
    return { name, command };
  }

  private async finalize(found: Connection, [file, ...args]: readonly string[]): Promise<number> {
    const { facts } = this.app;
    const changes: readonly VariableChange[] = [
      ...dockerEnvironment(found, facts, true),
      ...withoutForeignAllProxy(facts),
      ...msysEnvironment(facts),
    ];
    if (file !== undefined) {
      this.greet(found, 'Start shell with command');
      return this.world.lendTerminal({ file, args }, changes);
    }
    const shell = shellToOpen(await this.world.detectShell('to open'), facts);
    this.greet(found, 'Start interactive shell');
    return this.world.lendTerminal(shell, changes);
  }

  private greet({ name, address }: Connection, next: string): void {
    const words: Readonly<Record<string, string>> = { name, address, next };
    this.world.stdout.write(
      this.world.whale.replace(/\{\{(\w+)\}\}/g, (_, word: string) => words[word] ?? ''),
    );
  }
}

/** The failure, then the line of start.sh that names its step. A command line that is wrong and Ctrl-C need none. */
function withStep(error: unknown, step: string): unknown {
  if (error instanceof UsageError || error instanceof InterruptedError) return error;
  const named = new TmachineError({
    code: 'QUICKSTART_STEP',
    verbatim: true,
    message: `Looks like something went wrong in step ´${step}´...`,
    ...(error instanceof TmachineError && { exitCode: error.exitCode }),
    cause: error,
  });
  return new AggregateError([error, named], named.message);
}
