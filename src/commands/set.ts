import { BaseCommand } from '../cli/base-command.js';
import { CommandLineError } from '../cli/command-line-error.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { ENGINE_PROXY_FLAG } from '../cli/shared-flags.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { engineProxies } from '../core/actions/engine-proxies.js';
import { setEngine } from '../core/actions/engine-settings.js';
import { readTrusted } from '../core/actions/trusted-certificates.js';
import { UNSETTABLE } from '../core/engine-change.js';

export const spec: CommandSpec = {
  name: 'set',
  usage: 'Change engine settings of a machine: proxies, certificates, registries, environment',
  description:
    'Argument is a machine name. Takes effect at once in a running machine, else at its next start. Proxies replace the one before; ' +
    'registries, variables and certificates are added to those that are there. The engine, and with it its containers, restarts only when something changed.',
  flags: [
    {
      name: 'http-proxy',
      type: 'string',
      help: 'Proxy of the engine for http URLs; replaces the one before',
    },
    {
      name: 'https-proxy',
      type: 'string',
      help: 'Proxy of the engine for https URLs; replaces the one before',
    },
    {
      name: 'no-proxy',
      type: 'string',
      help: "Hosts that the engine reaches without its proxy, with commas; replaces the list before, the machine's own networks are added",
    },
    ENGINE_PROXY_FLAG,
    {
      name: 'ca-cert',
      type: 'slice',
      help: 'Certificate file that the guest is to trust (FILE), or the engine for one registry alone (HOST:PORT=FILE); added',
    },
    { name: 'registry-mirror', type: 'slice', help: 'Registry mirror for the engine; added' },
    { name: 'insecure-registry', type: 'slice', help: 'Registry that the engine may use without TLS; added' },
    {
      name: 'engine-env',
      type: 'slice',
      help: 'NAME=value in the environment of the engine; added, or in place of the one of that name',
    },
    {
      name: 'docker-config',
      type: 'bool',
      help: "Write the engine's proxies into the config.json of the docker client here too, for docker build and docker run; kept in step until --unset docker-config",
    },
    {
      name: 'unset',
      type: 'slice',
      help: `Take a setting away before others are made: one of ${UNSETTABLE.join(', ')}, docker-config; of a list, SETTING=VALUE takes one entry`,
    },
  ],
};

const IS_CLIENT_CONFIG = /^(?:--)?docker-config$/;

export default class SetCommand extends BaseCommand {
  static override readonly spec = spec;
  protected override readonly talksOn = 'stdout';

  protected async work(): Promise<void> {
    const name = oneNameOrDefault(this.words);
    if (!spec.flags.some((flag) => this.given.has(flag.name))) {
      throw new CommandLineError({
        message: 'Error: No setting named',
        help: 'plain',
        command: 'set',
        nextSteps: [`for example: ${this.programName} set ${name} --http-proxy http://proxy.example:8080`],
      });
    }
    const trusted = await readTrusted(this.app, this.list('ca-cert'), this.call);
    const proxies = await engineProxies(
      this.app,
      {
        engineProxy: this.givenText('engine-proxy'),
        httpProxy: this.givenText('http-proxy'),
        httpsProxy: this.givenText('https-proxy'),
        noProxy: this.givenText('no-proxy'),
      },
      this.call,
    );
    await setEngine(
      this.app,
      name,
      (host) => ({
        ...proxies(host),
        env: this.list('engine-env'),
        registryMirrors: this.list('registry-mirror'),
        insecureRegistries: this.list('insecure-registry'),
        trusted,
        unset: this.list('unset').filter((it) => !IS_CLIENT_CONFIG.test(it)),
      }),
      this.call,
      this.clientConfig(),
    );
  }

  private clientConfig(): 'write' | 'remove' | undefined {
    if (this.isOn('docker-config')) return 'write';
    return this.list('unset').some((it) => IS_CLIENT_CONFIG.test(it)) ? 'remove' : undefined;
  }

  private givenText(flag: string): string | undefined {
    return this.given.has(flag) ? this.text(flag) : undefined;
  }
}
