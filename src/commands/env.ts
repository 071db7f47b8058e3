import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { JSON_FLAG, SWARM_FLAG } from '../cli/shared-flags.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { connection } from '../core/actions/connection.js';
import { dockerEnvironment, withoutDockerEnvironment } from '../core/docker-environment.js';
import { UsageError } from '../core/errors.js';
import type { VariableChange } from '../core/variable-change.js';
import type { HomeDirectory } from '../shells/dialect.js';
import { renderEnv, renderFailure } from '../shells/render.js';

export const spec: CommandSpec = {
  name: 'env',
  usage: 'Display the commands to set up the environment for the Docker client',
  description: 'Argument is a machine name.',
  flags: [
    SWARM_FLAG,
    {
      name: 'shell',
      type: 'string',
      help: 'Force environment to be configured for a specified shell: [fish, cmd, powershell, tcsh, emacs], default is auto-detect',
    },
    { name: 'unset', short: 'u', type: 'bool', help: 'Unset variables instead of setting them' },
    { name: 'no-proxy', type: 'bool', help: 'Add machine IP to NO_PROXY environment variable' },
    JSON_FLAG,
  ],
};

export default class Env extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    if (this.isOn('json')) {
      const changes = this.isOn('unset') ? this.unset() : await this.set();
      this.printJson({
        variables: Object.fromEntries(changes.map(({ name, value }) => [name, value ?? null])),
      });
      return;
    }
    const shell = this.text('shell') || (await this.world.detectShell());
    try {
      const changes = this.isOn('unset') ? this.unset() : await this.set();
      const { commandLine } = this.world;
      this.world.stdout.write(renderEnv({ shell, changes, commandLine, home: this.home() }));
    } catch (error) {
      // Whoever evaluates the output must not go on with the settings of another machine (P36).
      this.world.stdout.write(renderFailure(shell));
      throw error;
    }
  }

  private async set(): Promise<readonly VariableChange[]> {
    const record = await this.app.store.load(oneNameOrDefault(this.words));
    const found = await connection(
      this.app,
      record,
      { swarm: this.isOn('swarm'), errorPrefix: 'Error checking TLS connection: ' },
      this.call,
    );
    return dockerEnvironment(found, this.app.facts, this.isOn('no-proxy'));
  }

  private unset(): readonly VariableChange[] {
    if (this.words.length > 0) {
      throw new UsageError({
        verbatim: true,
        message: 'Error: Expected no machine name when the -u flag is present',
      });
    }
    return withoutDockerEnvironment(this.app.facts);
  }

  /** Where cmd finds the certificates whatever its code page is. */
  private home(): HomeDirectory | undefined {
    const { platform, homeDirectory } = this.app.facts;
    return platform === 'win32' && homeDirectory !== ''
      ? { variable: 'USERPROFILE', path: homeDirectory }
      : undefined;
  }
}
