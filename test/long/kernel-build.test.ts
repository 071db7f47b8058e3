import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const program = join(import.meta.dirname, '../../guest/kernel/build');

type Ended = { status: number | null; stdout: string; stderr: string };

/** Starts a kernel build; `said` resolves once stderr holds the text, `ended` when the build is over. */
function start(
  cache: string,
  out: string,
): { said: (text: string) => Promise<void>; ended: Promise<Ended>; interrupt: () => void } {
  const child = spawn(program, ['--cache', cache, '--out', out], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
  const said = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (stderr.includes(text)) {
          resolve();
        }
      };
      child.stderr.on('data', look);
      ended.then(() => reject(new Error(`the build ended without saying "${text}": ${stderr}`)), reject);
      look();
    });
  return { said, ended, interrupt: () => child.kill('SIGINT') };
}

/** What a build needs in the cache while it runs, and must not leave behind. */
const halfBuilt = (names: string[]) => names.filter((name) => name.startsWith('building-kernel.'));

describe('the kernel build', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    directory = await temporaryDirectory('kernel-build');
  });
  afterAll(() => directory.remove());

  test('interrupted while it compiles, it ends with 130 and leaves nothing half built', async () => {
    const cache = join(directory.path, 'interrupted');
    const build = start(cache, join(directory.path, 'out-interrupted'));
    await build.said('files in 30 s');
    expect(halfBuilt(await readdir(cache))).toHaveLength(1);
    build.interrupt();
    const { status, stdout, stderr } = await build.ended;
    expect(status).toBe(130);
    expect(stdout).toBe('');
    expect(stderr).toContain('kernel: interrupted; nothing half built is left\n');
    expect(halfBuilt(await readdir(cache))).toEqual([]);
    expect((await readdir(cache)).filter((name) => /^kernel-[0-9a-f]{16}$/.test(name))).toEqual([]);
    expect(await readdir(directory.path)).not.toContain('out-interrupted');
  });

  test('two at once build one kernel, and another cache gives the same bytes', async () => {
    const shared = join(directory.path, 'shared');
    const outs = ['first', 'second', 'apart'].map((name) => join(directory.path, name));
    const [first = '', second = '', apart = ''] = outs;
    const both = await Promise.all([start(shared, first).ended, start(shared, second).ended]);
    const alone = await start(join(directory.path, 'own'), apart).ended;
    expect([...both, alone].map((build) => build.status)).toEqual([0, 0, 0]);
    expect(both.filter((build) => /: built in \d+ s\n$/.test(build.stdout))).toHaveLength(1);
    expect(both.filter((build) => build.stdout.endsWith(': taken from the cache\n'))).toHaveLength(1);
    expect(alone.stdout).toMatch(
      /^kernel \d+\.\d+\.\d+-tmachine \(Debian linux-source-\S+ \S+\): built in \d+ s\n$/,
    );
    for (const file of [
      'vmlinuz',
      'config',
      'kernel-release',
      'kernel-version',
      'kernel-packages',
      'modules.builtin',
    ]) {
      const bytes = await readFile(join(first, file));
      expect(bytes.length).toBeGreaterThan(0);
      expect(bytes.equals(await readFile(join(second, file)))).toBe(true);
      expect(bytes.equals(await readFile(join(apart, file)))).toBe(true);
    }
  });
});
