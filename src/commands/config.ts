import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { SWARM_FLAG } from '../cli/shared-flags.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { connection } from '../core/actions/connection.js';
import { goQuote } from '../core/go-quote.js';

export const spec: CommandSpec = {
  name: 'config',
  usage: 'Print the connection config for machine',
  description: 'Argument is a machine name.',
  flags: [SWARM_FLAG],
};

export default class Config extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const record = await this.app.store.load(oneNameOrDefault(this.words));
    const { url } = await connection(
      this.app,
      record,
      { swarm: this.isOn('swarm'), errorPrefix: 'Error running connection boilerplate: ' },
      this.call,
    );
    const paths = this.app.store.layout.machine(record.name);
    this.print('--tlsverify');
    this.print(`--tlscacert=${goQuote(paths.caCert)}`);
    this.print(`--tlscert=${goQuote(paths.clientCert)}`);
    this.print(`--tlskey=${goQuote(paths.clientKey)}`);
    this.print(`-H=${url}`);
  }
}
