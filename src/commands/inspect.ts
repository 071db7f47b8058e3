import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { JSON_FLAG, SHOW_SECRETS_FLAG } from '../cli/shared-flags.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { formatInspect } from '../core/format/inspect-format.js';
import { redactSecrets } from '../core/redact.js';

export const spec: CommandSpec = {
  name: 'inspect',
  usage: 'Inspect information about a machine',
  description: 'Argument is a machine name.',
  flags: [
    {
      name: 'format',
      short: 'f',
      type: 'string',
      help: 'Format the output using the given go template.',
    },
    SHOW_SECRETS_FLAG,
    JSON_FLAG,
  ],
};

export default class Inspect extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const stored = await this.app.store.load(oneNameOrDefault(this.words));
    const rendered = this.app.store.render(stored);
    const text = this.isOn('show-secrets') ? rendered : redactSecrets(rendered);
    // The plain answer is JSON already; --json is for scripts that say what they expect.
    const format = this.isOn('json') ? '' : this.text('format');
    this.print(format === '' ? text : formatInspect(format, JSON.parse(text)));
  }
}
