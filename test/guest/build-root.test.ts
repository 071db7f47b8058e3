import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const libraries = join(import.meta.dirname, '../../guest/lib');
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let programs: string;

beforeAll(async () => {
  directory = await temporaryDirectory('build-root');
  programs = join(directory.path, 'bin');
  await mkdir(programs);
});
afterAll(() => directory.remove());

/** Puts a small shell program in front of the system's own. */
async function program(name: string, body: string): Promise<void> {
  await writeFile(join(programs, name), `#!/bin/sh\n${body}\n`);
  await chmod(join(programs, name), 0o755);
}

/** Asks whether this user can build here; resolves to the status and the complaint. */
function usable(): Promise<{ status: number; stderr: string }> {
  const script = `. "${libraries}/debian-packages.sh"; . "${libraries}/build-root.sh"; build_root_usable`;
  const env = { ...process.env, PATH: `${programs}:${process.env['PATH']}` };
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', script], { env }, (error, _stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(error);
        return;
      }
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });
}

test('an ordinary user without user namespaces is told to be root: exit 3', async () => {
  await program('id', 'echo 1000');
  await program('unshare', 'exit 1');
  const { status, stderr } = await usable();
  expect(status).toBe(3);
  expect(stderr).toContain('✗ Cannot build here without root.\n');
  expect(stderr).toContain('\n  Next  run the command again as root, for example with sudo\n');
});

test('an ordinary user with user namespaces may build', async () => {
  await program('id', 'echo 1000');
  await program('unshare', 'exit 0');
  expect(await usable()).toEqual({ status: 0, stderr: '' });
});

test('root may build, whatever unshare says', async () => {
  await program('id', 'echo 0');
  await program('unshare', 'exit 1');
  expect(await usable()).toEqual({ status: 0, stderr: '' });
});
