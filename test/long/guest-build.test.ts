import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
const program = join(import.meta.dirname, '../../guest/build');

/** The cache that builds use by default. */
function defaultCache(): string {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['TMACHINE_GUEST_CACHE'] ?? join(cacheHome, 'tmachine', 'guest');
}

describe('the image build', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    directory = await temporaryDirectory('guest-build');
  });
  afterAll(() => directory.remove());

  /** Builds in an empty cache, but for a kernel that is there already: kernel-build.test.ts builds that twice. */
  async function build(name: string): Promise<string> {
    const cache = join(directory.path, name);
    await mkdir(cache);
    const kernels = await readdir(defaultCache()).catch(() => []);
    for (const kernel of kernels.filter((entry) => /^kernel-[0-9a-f]{16}$/.test(entry))) {
      await cp(join(defaultCache(), kernel), join(cache, kernel), { recursive: true });
    }
    const out = join(directory.path, `out-${name}`);
    const { stdout } = await run(program, ['--both', '--out', out], {
      env: { ...process.env, TMACHINE_GUEST_CACHE: cache },
      maxBuffer: 2 ** 24,
    });
    expect(stdout.match(/: built in \d+ s$/gm)).toHaveLength(2);
    return out;
  }

  test('twice from nothing gives the same bytes: both images, manifest and software bill', async () => {
    const first = await build('first');
    const second = await build('second');
    const files = ['boot2docker-stock.iso', 'boot2docker.iso', 'manifest.json', 'sbom.cdx.json'];
    expect((await readdir(first)).sort()).toEqual(files);
    for (const file of files) {
      const [one, other] = await Promise.all([readFile(join(first, file)), readFile(join(second, file))]);
      expect(one.length).toBeGreaterThan(0);
      expect([file, one.equals(other)]).toEqual([file, true]);
    }
  });
});
