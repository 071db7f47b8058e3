import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const library = join(import.meta.dirname, '../../guest/lib/debian-packages.sh');
const build = join(import.meta.dirname, '../../guest/kernel/build');

type Result = { status: number; stdout: string; stderr: string };

/** Runs a program with the given directory in the place of /etc/apt. */
function run(file: string, args: string[], sources: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, TMACHINE_APT_SOURCES: sources };
    execFile(file, args, { env }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(error);
        return;
      }
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

describe('the private apt state', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let sources: string;

  beforeEach(async () => {
    directory = await temporaryDirectory('debian-packages');
    sources = join(directory.path, 'etc');
    await mkdir(join(sources, 'sources.list.d'), { recursive: true });
  });
  afterEach(() => directory.remove());

  /** Runs a line of bash with the library's functions. */
  const withLibrary = (line: string) => run('bash', ['-c', `. "${library}"; ${line}`], sources);
  const mirrors = async (role: string) =>
    (await withLibrary(`_debian_packages_mirrors "${sources}" ${role}`)).stdout;

  test('the mirror is read from the one-line form, options and comments aside', async () => {
    await writeFile(
      join(sources, 'sources.list'),
      [
        '# deb http://commented.test/debian bookworm main',
        'deb cdrom:[Debian 12]/ bookworm main',
        'deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.test/debian/ bookworm main contrib # ours',
        'deb http://mirror.test/debian bookworm-updates main',
        'deb-src http://source.test/debian bookworm main',
        'deb http://mirror.test/debian-security bookworm-security main',
        '',
      ].join('\n'),
    );
    expect(await mirrors('main')).toBe('http://mirror.test/debian\n');
    expect(await mirrors('security')).toBe('http://mirror.test/debian-security\n');
  });

  test('the mirror is read from the deb822 form, with folded lines and several suites', async () => {
    await writeFile(
      join(sources, 'sources.list.d', 'debian.sources'),
      [
        'Types: deb deb-src',
        '# a remark inside',
        'URIs:',
        ' http://mirror.test/debian',
        'Suites: trixie trixie-updates',
        'Components: main non-free-firmware',
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp',
        '',
        'Types: deb',
        'URIs: http://mirror.test/debian-security/',
        'Suites: trixie-security',
        'Components: main',
        '',
        'Enabled: no',
        'Types: deb',
        'URIs: http://disabled.test/debian',
        'Suites: trixie',
        'Components: main',
        '',
      ].join('\n'),
    );
    expect(await mirrors('main')).toBe('http://mirror.test/debian\n');
    expect(await mirrors('security')).toBe('http://mirror.test/debian-security\n');
  });

  test("a stranger's repository for the same release is not taken for Debian's mirror", async () => {
    await writeFile(
      join(sources, 'sources.list.d', 'stranger.list'),
      'deb [signed-by=/etc/apt/keyrings/stranger.asc] http://stranger.test/linux/debian bookworm main\n',
    );
    await writeFile(
      join(sources, 'sources.list.d', 'stranger.sources'),
      'Types: deb\nURIs: http://other.test/debian\nSuites: bookworm\nComponents: main\nSigned-By: /etc/apt/keyrings/other.gpg\n',
    );
    expect(await mirrors('main')).toBe('');
  });

  test('without any Debian source the build ends with exit 3 and a sentence', async () => {
    const result = await run(
      build,
      ['--out', join(directory.path, 'out'), '--cache', join(directory.path, 'cache')],
      sources,
    );
    expect(result.status).toBe(3);
    expect(result.stderr).toContain('✗ Cannot find a Debian mirror.\n');
  });

  test('an unreachable mirror ends the build with exit 1 and a sentence, and leaves no kernel and no half of one', async () => {
    // Port 9 (discard) on loopback: nobody listens there.
    await writeFile(join(sources, 'sources.list'), 'deb http://127.0.0.1:9/debian bookworm main\n');
    const cache = join(directory.path, 'cache');
    const result = await run(build, ['--out', join(directory.path, 'out'), '--cache', cache], sources);
    expect(result.status).toBe(1);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(
      /^✗ Cannot read the package lists of Debian trixie\.\n {2}Why {3}E: .*127\.0\.0\.1:9/,
    );
    expect(result.stderr).toContain('\n  Next  check the network');
    expect((await readdir(cache)).filter((name) => !name.startsWith('apt-'))).toEqual([]);
    expect(await readdir(directory.path)).not.toContain('out');
  });

  test('lists that Debian did not sign are refused', async () => {
    const mirror = join(directory.path, 'mirror');
    await mkdir(join(mirror, 'dists/trixie'), { recursive: true });
    await writeFile(
      join(mirror, 'dists/trixie/Release'),
      'Origin: Debian\nSuite: stable\nCodename: trixie\nDate: Sat, 15 Nov 2025 10:00:00 UTC\n',
    );
    await writeFile(join(sources, 'sources.list'), `deb file:${mirror} bookworm main\n`);
    const result = await withLibrary(`debian_packages_init "${directory.path}/state" trixie`);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/not signed/);
  });

  test.each([
    ['no --out', []],
    ['an unknown option', ['--out', 'x', '--fast']],
    ['a number of jobs that is none', ['--out', 'x', '--jobs', 'many']],
    ['an option without its value', ['--out']],
  ])('wrong arguments of the kernel build (%s): usage and exit 2', async (_name, args) => {
    const result = await run(build, args, sources);
    expect(result.status).toBe(2);
    expect(result.stderr).toBe('Usage: guest/kernel/build --out DIR [--cache DIR] [--jobs N]\n');
  });
});
