import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect } from '@jest/globals';

const program = join(import.meta.dirname, '../../guest/test-boot');

/** Runs one check of guest/test-boot on the built image; fails the test with what the check said. */
export async function bootCheck(name: string): Promise<void> {
  const said = await new Promise<string>((resolve, reject) => {
    execFile(program, ['--only', name], { timeout: 1_800_000 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve(stdout + stderr);
    });
  });
  expect(said).toMatch(new RegExp(`^${name} +ok in `));
}
