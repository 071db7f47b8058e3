import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isoImage } from '../download/doubles.js';
import { runProgram } from '../support/cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ISO = isoImage({ volumeId: 'b2d-v26.1.5', applicationId: 'Boot2Docker tmachine-seed=1' });
const SHA = createHash('sha256').update(ISO).digest('hex');

let folder: string;
let built: string;
let copy: string;
const digests = () => readFileSync(join(copy, 'templates', 'guest-digests'), 'utf8');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guest-package-'));
  built = join(folder, 'built');
  copy = join(folder, 'copy');
  mkdirSync(built);
  for (const name of ['src', 'templates', 'bin', 'package.json', 'rolldown.config.mjs', 'tsconfig.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(join(built, 'boot2docker.iso'), ISO);
  writeFileSync(join(built, 'sbom.cdx.json'), '{}');
  const images = [{ file: 'boot2docker.iso', sha256: SHA }];
  writeFileSync(
    join(built, 'manifest.json'),
    JSON.stringify({ engineVersion: '26.1.5', kernelVersion: '6.12', images }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const make = () =>
  runProgram(process.execPath, [
    join(root, 'scripts', 'guest-package.mjs'),
    ...['--image', built, '--out', folder, '--digests', join(copy, 'templates', 'guest-digests')],
  ]);
const tmachine = (args: readonly string[]) =>
  runProgram(process.execPath, [join(folder, 'node_modules', 'tmachine', 'bin', 'run.cjs'), ...args], {
    env: { MACHINE_STORAGE_PATH: join(folder, 'store'), HOME: folder, XDG_CACHE_HOME: join(folder, 'cache') },
  });

test('the package carries the image with its digest, which is noted once, before older ones', async () => {
  appendFileSync(join(copy, 'templates', 'guest-digests'), `${'0'.repeat(64)} Docker 25\n`);
  expect(await make()).toMatchObject({ status: 0, stderr: '' });
  const noted = digests();
  expect(noted.split('\n').filter((line) => !line.startsWith('#'))[0]).toBe(`${SHA} Docker 26.1.5`);
  expect(noted).toContain(`${'0'.repeat(64)} Docker 25\n`);
  expect((await make()).status).toBe(0);
  expect(digests()).toBe(noted);
  const listed = spawnSync('tar', ['tzf', join(folder, 'tmachine-guest-26.1.5.tgz')], {
    encoding: 'utf8',
  }).stdout;
  expect(listed.trim().split('\n').sort()).toEqual(
    [
      'README.md',
      'boot2docker.iso',
      'boot2docker.iso.sha256',
      'manifest.json',
      'package.json',
      'sbom.cdx.json',
    ]
      .map((file) => `package/${file}`)
      .sort(),
  );
});

test('installed beside a tmachine that knows the digest, it is the image of create; another image there is not', async () => {
  const bundler = join(root, 'node_modules', 'rolldown', 'bin', 'cli.mjs');
  expect(
    await runProgram(process.execPath, [bundler, '-c', 'rolldown.config.mjs'], { cwd: copy }),
  ).toMatchObject({ status: 0 });
  for (const name of ['bin', 'dist', 'package.json']) {
    cpSync(join(copy, name), join(folder, 'node_modules', 'tmachine', name), { recursive: true });
  }
  const guest = join(folder, 'node_modules', 'tmachine-guest');
  mkdirSync(guest);
  spawnSync('tar', ['xzf', join(folder, 'tmachine-guest-26.1.5.tgz'), '-C', guest, '--strip-components=1']);
  const { images } = JSON.parse((await tmachine(['image', 'ls', '--json'])).stdout);
  expect(images).toEqual([
    expect.objectContaining({
      kind: 'package',
      version: 'v26.1.5',
      sha256: SHA,
      state: 'verified',
      oneStep: true,
    }),
  ]);
  appendFileSync(join(guest, 'boot2docker.iso'), 'more');
  const after = await tmachine(['image', 'ls', '--json']);
  expect(JSON.parse(after.stdout).images).toEqual([
    expect.objectContaining({ kind: 'package', state: 'whole' }),
  ]);
}, 60_000);

test('half a build is refused', async () => {
  writeFileSync(join(built, 'boot2docker.iso'), 'another one');
  const { status, stderr } = await make();
  expect(status).toBe(1);
  expect(stderr).toContain('is not the image that');
});
