import { CommandLineError } from '../cli/command-line-error.js';
import { createFlags, findDriverName } from '../cli/create-flags.js';
import { CreatingCommand } from '../cli/creating-command.js';
import { driverOptions, knownDriver } from '../cli/driver-options.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { createMachine } from '../core/actions/create.js';
import { UsageError } from '../core/errors.js';
import { assertMachineName } from '../core/machine.js';

export const spec: CommandSpec = {
  name: 'create',
  usage: 'Create a machine',
  description:
    "Run '$0 create --driver name --help' to include the create flags for that driver in the help text.",
  flags: createFlags(),
  flagsFor: (args, env) =>
    createFlags(...driverOptions(findDriverName(args) ?? knownDriver(env.MACHINE_DRIVER))),
};

export default class Create extends CreatingCommand {
  static override readonly spec = spec;
  protected override readonly talksOn = 'stdout';

  protected async work(): Promise<void> {
    const name = this.machineName();
    await createMachine(this.app, await this.createRequest(name), this.call);
  }

  private machineName(): string {
    const [name, ...extra] = this.words;
    if (extra.length > 0) {
      throw new UsageError({
        verbatim: true,
        message: `Invalid command line. Found extra arguments [${extra.join(' ')}]`,
      });
    }
    if (name === undefined) {
      throw new CommandLineError({
        message: 'Error: No machine name specified',
        help: 'plain',
        command: 'create',
        nextSteps: [`for example: ${this.programName} create default`],
      });
    }
    assertMachineName(name, this.app.facts.platform);
    return name;
  }
}
