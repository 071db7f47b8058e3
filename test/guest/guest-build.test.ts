import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const program = join(import.meta.dirname, '../../guest/build');

describe('the image build', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let sources: string;
  beforeEach(async () => {
    directory = await temporaryDirectory('guest-build');
    sources = join(directory.path, 'etc');
    await mkdir(sources);
  });
  afterEach(() => directory.remove());

  function build(args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, TMACHINE_APT_SOURCES: sources };
      execFile(program, args, { env }, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(error);
        else resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });
  }

  test('a mirror that cannot be reached: a sentence with cause and next step, exit 1, no image and nothing half built', async () => {
    // Port 9 (discard) on loopback: nobody listens there.
    await writeFile(join(sources, 'sources.list'), 'deb http://127.0.0.1:9/debian trixie main\n');
    const cache = join(directory.path, 'cache');
    const out = join(directory.path, 'out');
    const { status, stdout, stderr } = await build(['--cache', cache, '--out', out, '--both']);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^✗ Cannot read the package lists of Debian trixie\.\n {2}Why {3}E: .*127\.0\.0\.1:9.*\n {2}Next {2}check the network/,
    );
    expect(await readdir(directory.path)).not.toContain('out');
    expect((await readdir(cache)).filter((name) => !/^(apt-trixie|image\.lock)$/.test(name))).toEqual([]);
  });

  test('a host without any Debian mirror: exit 3', async () => {
    const { status, stderr } = await build([
      '--cache',
      join(directory.path, 'cache'),
      '--out',
      directory.path,
    ]);
    expect(status).toBe(3);
    expect(stderr).toContain('✗ Cannot find a Debian mirror.\n');
  });

  test.each([[['--fast']], [['--jobs', 'many']], [['--cache']]])(
    'wrong arguments %j: usage, exit 2',
    async (args) => {
      const { status, stderr } = await build(args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^Usage: guest\/build /);
    },
  );
});
