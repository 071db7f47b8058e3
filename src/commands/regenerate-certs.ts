import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { forEachMachine, namesOrDefault } from '../core/actions/bulk.js';
import { renewAuthority } from '../core/actions/certificates.js';
import { regenerateCertificates } from '../core/actions/reprovision.js';

export const spec: CommandSpec = {
  name: 'regenerate-certs',
  usage: 'Regenerate TLS Certificates for a machine',
  description: 'Argument(s) are one or more machine names.',
  flags: [
    { name: 'force', short: 'f', type: 'bool', help: 'Force rebuild and do not prompt' },
    { name: 'client-certs', type: 'bool', help: 'Also regenerate client certificates and CA.' },
  ],
};

export default class RegenerateCerts extends BaseCommand {
  static override readonly spec = spec;
  protected override readonly talksOn = 'stdout';

  protected async work(): Promise<void> {
    const agreed =
      this.isOn('force') ||
      (await this.world.confirm('Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): '));
    if (!agreed) return;
    const names = await namesOrDefault(this.app, this.words);
    if (this.isOn('client-certs')) await renewAuthority(this.app, names, this.call);
    await forEachMachine(this.app, names, ({ name }) => regenerateCertificates(this.app, name, this.call));
  }
}
