import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

// What a user gets: the tarball, installed where nothing else is, run from another folder by someone who may not write.

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const PACKED_FROM = [
  ...['package.json', 'package-lock.json', '.npmrc', 'rolldown.config.mjs', 'tsconfig.json'],
  ...['bin', 'docs', 'scripts', 'src', 'templates', 'CHANGELOG.md', 'LICENSE', 'README.md'],
];

let folder: string;
let home: string;
let packageFolder: string;
let files: string[];

/** npm with the output shown when it fails. */
function npm(args: readonly string[], cwd: string): string {
  const result = spawnSync('npm', [...args], { cwd, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.status !== 0) throw new Error(`npm ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  return result.stdout;
}

function filesUnder(path: string): string[] {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packed-program-'));
  home = join(folder, 'home');
  const prefix = join(folder, 'prefix with a space');
  for (const path of [home, prefix]) mkdirSync(path);
  // In a copy: making the package starts with removing dist, which other tests are using.
  const copy = join(folder, 'copy');
  for (const name of PACKED_FROM) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  npm(['pack', '--ignore-scripts=false', '--pack-destination', folder], copy);
  const tarball = join(folder, `tmachine-${version}.tgz`);
  npm(
    [
      'install',
      '--global',
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      prefix,
      tarball,
    ],
    folder,
  );
  packageFolder = join(prefix, 'lib', 'node_modules', 'tmachine');
  files = filesUnder(prefix);
  for (const file of files) chmodSync(file, statSync(file).mode & 0o555);
  chmodSync(folder, 0o755);
  if (process.getuid?.() === 0) spawnSync('chown', ['-R', '12345:12345', home]);
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Someone who may not write; root itself where this Node is in a folder that only root may enter. */
const nobody = { uid: 12345, gid: 12345 };
const dropsRights =
  process.getuid?.() === 0 && spawnSync(process.execPath, ['--version'], nobody).status === 0;

/** Runs the installed program through its link in `bin`, with an environment of its own. */
function tmachine(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(packageFolder, '..', '..', '..', 'bin', 'tmachine'), ...args], {
    cwd: '/',
    encoding: 'utf8',
    env: { HOME: home, PATH: '/usr/bin:/bin' },
    ...(dropsRights ? nobody : {}),
  });
}

describe('the packed program', () => {
  test('brings no other package', () => {
    expect(files.filter((file) => file.startsWith(join(packageFolder, 'node_modules')))).toEqual([]);
    expect(readdirSync(join(packageFolder, '..'))).toEqual(['tmachine']);
  });

  test('has its notices, its list of parts and its licence with it', () => {
    const names = files.map((file) => file.slice(packageFolder.length + 1));
    expect(names).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'THIRD-PARTY-NOTICES',
        'sbom.cdx.json',
        'oclif.manifest.json',
        'bin/run.cjs',
      ]),
    );
    const notices = readFileSync(join(packageFolder, 'THIRD-PARTY-NOTICES'), 'utf8');
    const { components } = JSON.parse(readFileSync(join(packageFolder, 'sbom.cdx.json'), 'utf8'));
    expect(components.length).toBeGreaterThan(50);
    for (const { name, version } of components) expect(notices).toContain(`\n${name} ${version} (`);
  });

  test('has no path of the computer that made it', () => {
    for (const file of files.filter((name) => !name.endsWith('.wasm'))) {
      // The bundler names each module in a comment; here its packages are behind a link, so it names them from far away.
      const text = readFileSync(file, 'utf8').replaceAll(/^\/\/ \S*node_modules\/\S+$/gm, '');
      expect([file, text.includes(root), text.includes(folder)]).toEqual([file, false, false]);
    }
  });

  test('says its version', () => {
    expect(tmachine('version')).toMatchObject({ status: 0, stderr: '' });
    expect(tmachine('version').stdout).toMatch(
      new RegExp(`^tmachine version ${version}, build [0-9a-z]+\n$`),
    );
    expect(tmachine('--version').stdout).toBe(tmachine('version').stdout);
  });

  test('says the same with and without kept code', () => {
    const first = tmachine('--help');
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(tmachine('--help').stdout).toBe(first.stdout);
    expect(first.stdout).toContain("Run 'tmachine COMMAND --help' for more information on a command.");
  });

  test('help of every command can be shown', () => {
    const { commands } = JSON.parse(readFileSync(join(packageFolder, 'oclif.manifest.json'), 'utf8'));
    for (const name of Object.keys(commands)) {
      const shown = tmachine(name, '--help');
      expect([name, shown.status, shown.stderr]).toEqual([name, 0, '']);
      expect(shown.stdout).toContain(`Usage: tmachine ${name}`);
    }
  });

  test('an unknown command is exit code 1, an unknown flag 2', () => {
    expect(tmachine('bogus')).toMatchObject({ status: 1, stdout: '' });
    expect(tmachine('ls', '--bogus').status).toBe(2);
  });

  test('makes, lists and removes a machine of the driver "none", certificates included', () => {
    expect(tmachine('create', '--driver', 'none', '--url', 'tcp://127.0.0.1:1', 'box')).toMatchObject({
      status: 0,
    });
    expect(tmachine('ls', '-q')).toMatchObject({ status: 0, stdout: 'box\n' });
    expect(tmachine('url', 'box')).toMatchObject({ status: 0, stdout: 'tcp://127.0.0.1:1\n' });
    expect(tmachine('rm', '-y', 'box')).toMatchObject({ status: 0 });
    expect(tmachine('ls', '-q')).toMatchObject({ status: 0, stdout: '' });
  });
});
