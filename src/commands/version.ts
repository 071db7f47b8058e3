import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { PROGRAM_BUILD, PROGRAM_VERSION } from '../cli/program-version.js';
import { JSON_FLAG } from '../cli/shared-flags.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { engineVersion } from '../core/actions/connection.js';

export const spec: CommandSpec = {
  name: 'version',
  usage: 'Show the Docker Machine version or a machine docker version',
  flags: [JSON_FLAG],
};

export default class Version extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    if (this.words.length === 0) {
      if (this.isOn('json')) this.printJson({ version: PROGRAM_VERSION, build: PROGRAM_BUILD });
      else this.print(`${this.programName} version ${PROGRAM_VERSION}, build ${PROGRAM_BUILD}`);
      return;
    }
    const name = oneNameOrDefault(this.words);
    const version = await engineVersion(this.app, await this.app.store.load(name), this.call);
    if (this.isOn('json')) this.printJson({ name, engine: version });
    else this.print(version);
  }
}
