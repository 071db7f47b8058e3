import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { JSON_FLAG, SWARM_FLAG } from '../cli/shared-flags.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { type Connection, connection } from '../core/actions/connection.js';
import { UsageError } from '../core/errors.js';
import { addNoProxy, hasProxy, removeNoProxy } from '../core/no-proxy.js';
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

/** docker-compose on Windows needs it to mount paths with drive letters (contract: cli.md, env). */
const COMPOSE_PATHS = 'COMPOSE_CONVERT_WINDOWS_PATHS';

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
    return [...dockerVariables(found), ...this.onWindows('true'), ...this.noProxy(found)];
  }

  private unset(): readonly VariableChange[] {
    if (this.words.length > 0) {
      throw new UsageError({
        verbatim: true,
        message: 'Error: Expected no machine name when the -u flag is present',
      });
    }
    const { env, platform } = this.app.facts;
    const docker = dockerVariables({ name: '', url: '', address: '', certPath: '' });
    return [
      ...docker.map(({ name }) => ({ name, value: undefined })),
      ...this.onWindows(undefined),
      ...removeNoProxy(env, platform),
    ];
  }

  /** Where cmd finds the certificates whatever its code page is. */
  private home(): HomeDirectory | undefined {
    const { platform, homeDirectory } = this.app.facts;
    return platform === 'win32' && homeDirectory !== ''
      ? { variable: 'USERPROFILE', path: homeDirectory }
      : undefined;
  }

  private onWindows(value: string | undefined): readonly VariableChange[] {
    return this.app.facts.platform === 'win32' ? [{ name: COMPOSE_PATHS, value }] : [];
  }

  private noProxy({ address }: Connection): readonly VariableChange[] {
    const { env, platform } = this.app.facts;
    return this.isOn('no-proxy') || hasProxy(env) ? addNoProxy(address, env, platform) : [];
  }
}

function dockerVariables(found: Connection): readonly VariableChange[] {
  return [
    { name: 'DOCKER_TLS_VERIFY', value: '1' },
    { name: 'DOCKER_HOST', value: found.url },
    { name: 'DOCKER_CERT_PATH', value: found.certPath },
    { name: 'DOCKER_MACHINE_NAME', value: found.name },
  ];
}
