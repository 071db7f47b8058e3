import { Command } from '@oclif/core/command';
import { PROGRAM_BUILD, PROGRAM_VERSION } from '../cli/program-version.js';

export default class Version extends Command {
  static override summary = 'Show the Docker Machine version or a machine docker version';
  static override strict = false;

  async run(): Promise<void> {
    await this.parse(Version);
    this.log(`tmachine version ${PROGRAM_VERSION}, build ${PROGRAM_BUILD}`);
  }
}
