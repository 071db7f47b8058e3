import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

// bin/run.cjs with a small bundle of its own, so that nothing else can be the reason.

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const build = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const mainText = `
const lazy = require('./lazy.cjs');
exports.go = async () => {
  const again = await Promise.resolve().then(() => require('./lazy.cjs'));
  console.log('ran', lazy.count(), again.count(), require('node:path').basename(__filename));
  process.exitCode = Number(process.argv[2] ?? 0);
  if (process.argv[3] === 'exit') process.exit();
};`;
const lazyText = 'let n = 0; exports.count = () => ++n;';

let folder: string;
let cache: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'code-cache-'));
  cache = join(folder, 'cache');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'dist'));
  cpSync(fileURLToPath(new URL('../../bin/run.cjs', import.meta.url)), join(folder, 'bin', 'run.cjs'));
  writeBundle(build);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function writeBundle(digest: string): void {
  writeFileSync(join(folder, 'dist', 'main.cjs'), `// build ${digest}\n${mainText}`);
  writeFileSync(join(folder, 'dist', 'lazy.cjs'), lazyText);
}

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  readonly node?: readonly string[];
  readonly uid?: number;
}

function run({
  env = { XDG_CACHE_HOME: cache },
  args = [],
  node = [],
  uid,
}: RunOptions = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...node, join(folder, 'bin', 'run.cjs'), ...args], {
    encoding: 'utf8',
    env,
    ...(uid === undefined ? {} : { uid }),
  });
}

function expectRan(result: SpawnSyncReturns<string>, status = 0): void {
  expect(result).toMatchObject({ status, stdout: 'ran 1 2 main.cjs\n', stderr: '' });
}

const codeFolder = () => join(cache, 'tmachine', 'code');
const ownFolder = (digest = build) => join(codeFolder(), `${digest}-${process.version}-${process.arch}`);
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('compiled code is kept between runs', () => {
  test('the first run stores it in a private folder, the second takes it from there', () => {
    expectRan(run());
    expect(readdirSync(ownFolder()).sort()).toEqual(['lazy.cjs', 'main.cjs']);
    expect([mode(ownFolder()), mode(join(ownFolder(), 'main.cjs'))]).toEqual(['700', '600']);
    const first = statSync(join(ownFolder(), 'main.cjs'));
    expectRan(run());
    expect(statSync(join(ownFolder(), 'main.cjs')).ino).toBe(first.ino);
  });

  test('it is stored after a failed command and after process.exit too, and the exit code stays', () => {
    expectRan(run({ args: ['3', 'exit'] }), 3);
    expect(existsSync(join(ownFolder(), 'main.cjs'))).toBe(true);
    expectRan(run({ args: ['70'] }), 70);
  });

  test('another build has a folder of its own', () => {
    run();
    writeBundle('b'.repeat(32));
    expectRan(run());
    expect(existsSync(join(ownFolder('b'.repeat(32)), 'main.cjs'))).toBe(true);
  });

  test('a file that is damaged is replaced', () => {
    run();
    const file = join(ownFolder(), 'main.cjs');
    const good = readFileSync(file);
    for (const bad of [
      Buffer.alloc(0),
      Buffer.alloc(good.length),
      good.subarray(0, 100),
      Buffer.from('text'),
    ]) {
      writeFileSync(file, bad);
      expectRan(run());
      expect(readFileSync(file).length).toBeGreaterThan(200);
    }
  });

  test('folders that were made more than 30 days ago are removed when a new one is made', () => {
    const old = join(codeFolder(), 'old');
    const recent = join(codeFolder(), 'recent');
    for (const path of [old, recent]) mkdirSync(path, { recursive: true });
    const days = (count: number) => new Date(Date.now() - count * 24 * 3600_000);
    utimesSync(old, days(31), days(31));
    utimesSync(recent, days(29), days(29));
    expectRan(run());
    expect(readdirSync(codeFolder()).sort()).toEqual([
      `${build}-${process.version}-${process.arch}`,
      'recent',
    ]);
  });
});

describe('a cache is code: it is used only where nobody else can have put it', () => {
  test('a folder that others can write to is neither used nor written', () => {
    mkdirSync(ownFolder(), { recursive: true });
    chmodSync(ownFolder(), 0o775);
    expectRan(run());
    expect(readdirSync(ownFolder())).toEqual([]);
  });

  test('a file that others can write to is replaced, not used', () => {
    run();
    const file = join(ownFolder(), 'main.cjs');
    chmodSync(file, 0o666);
    const before = statSync(file).ino;
    expectRan(run());
    expect(statSync(file).ino).not.toBe(before);
    expect(mode(file)).toBe('600');
  });

  asRoot('a folder of another user is neither used nor written', () => {
    mkdirSync(ownFolder(), { recursive: true });
    chmodSync(ownFolder(), 0o700);
    chownSync(ownFolder(), 12345, 12345);
    expectRan(run());
    expect(readdirSync(ownFolder())).toEqual([]);
  });
});

describe('without a usable cache folder everything works', () => {
  test('TMACHINE_NO_CODE_CACHE=1 switches it off', () => {
    expectRan(run({ env: { XDG_CACHE_HOME: cache, TMACHINE_NO_CODE_CACHE: '1' } }));
    expect(existsSync(cache)).toBe(false);
  });

  test('the folder cannot be made', () => {
    writeFileSync(cache, 'a file');
    expectRan(run());
  });

  asRoot('the folder belongs to someone else, and the user cannot write there', () => {
    chmodSync(folder, 0o755);
    mkdirSync(cache, { mode: 0o755 });
    expectRan(run({ uid: 12345 }));
    expect(readdirSync(cache)).toEqual([]);
  });

  asRoot('HOME is unset and the user is not in the password file', () => {
    chmodSync(folder, 0o755);
    expectRan(run({ env: {}, uid: 12345 }));
  });

  test('XDG_CACHE_HOME is not absolute: HOME counts', () => {
    expectRan(run({ env: { HOME: folder, XDG_CACHE_HOME: 'cache' } }));
    expect(existsSync(join(folder, '.cache', 'tmachine', 'code'))).toBe(true);
  });

  test('the bundle has no digest: nothing is stored under a wrong name', () => {
    writeFileSync(join(folder, 'dist', 'main.cjs'), mainText);
    expectRan(run());
    expect(existsSync(cache)).toBe(false);
  });
});

test('a Node that is too old is refused with a sentence and exit code 3', () => {
  const preload = join(folder, 'old-node.cjs');
  writeFileSync(preload, "Object.defineProperty(process, 'versions', { value: { node: '18.20.4' } });");
  expect(run({ node: ['--require', preload] })).toMatchObject({
    status: 3,
    stdout: '',
    stderr: `tmachine needs Node.js 20.19 or newer; this is 18.20.4 (${process.execPath}).\n`,
  });
});
