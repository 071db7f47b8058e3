import { expect, test } from '@jest/globals';
import { Command } from '@oclif/core/command';
import { string } from '@oclif/core/flags';
import { runCommand } from '../../src/cli/oclif-config.js';

const seen: unknown[] = [];

class Probe extends Command {
  static override flags = { name: string() };
  static override strict = false;

  override async run(): Promise<void> {
    const { flags } = await this.parse(Probe);
    seen.push(
      flags.name,
      this.id,
      this.config.bin,
      this.config.plugins.size,
      await this.config.runHook('init', { argv: [], id: '' }),
    );
  }
}

test('a command runs with its arguments, and oclif has looked for nothing', async () => {
  await runCommand(Probe, 'probe', ['--name=x']);
  expect(seen).toEqual(['x', 'probe', 'tmachine', 0, { failures: [], successes: [] }]);
});

test('what oclif refuses is thrown, for presentError to say', async () => {
  await expect(runCommand(Probe, 'probe', ['--nope'])).rejects.toThrow('Nonexistent flag: --nope');
  // oclif has set the exit code of this process; main.ts sets it anew.
  process.exitCode = undefined;
});
