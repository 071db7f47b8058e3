import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { forEachMachine, namesOrDefault } from '../core/actions/bulk.js';
import { renewAuthority } from '../core/actions/certificates.js';
import { regenerateCertificates } from '../core/actions/reprovision.js';
import { TmachineError } from '../core/errors.js';

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
    if (!this.isOn('force') && !(await this.agreed())) return;
    const names = await namesOrDefault(this.app, this.words);
    if (this.isOn('client-certs')) await renewAuthority(this.app, names, this.call);
    await forEachMachine(this.app, names, ({ name }) => regenerateCertificates(this.app, name, this.call));
  }

  private async agreed(): Promise<boolean> {
    const question = 'Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): ';
    const answer = await this.world.ask(question);
    if (answer !== 'end') return answer === 'yes';
    throw new TmachineError({
      code: 'NO_ANSWER',
      verbatim: true,
      message: 'EOF',
      reason: 'there was nobody to answer the question',
      nextSteps: ['to answer it beforehand: tmachine regenerate-certs --force NAME'],
    });
  }
}
