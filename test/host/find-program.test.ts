import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { candidates, findProgram } from '../../src/host/find-program.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let directory: { path: string; remove: () => Promise<void> };
let bin: string;
beforeAll(async () => {
  directory = await temporaryDirectory('find');
  bin = join(directory.path, 'bin');
  await mkdir(join(bin, 'folder'), { recursive: true });
  for (const name of ['tool', 'plain']) await writeFile(join(bin, name), '#!/bin/sh\n');
  await chmod(join(bin, 'tool'), 0o755);
  await symlink('tool', join(bin, 'link'));
});
afterAll(() => directory.remove());

const find = (program: string, PATH: string) => findProgram(program, { platform: 'linux', env: { PATH } });

test('a program is the first on PATH that is a file and may be run', async () => {
  const path = `/nowhere:${directory.path}:${bin}:/bin`;
  expect(await find('tool', path)).toBe(join(bin, 'tool'));
  expect(await find('link', path)).toBe(join(bin, 'link'));
  expect(await find('plain', path)).toBeUndefined();
  expect(await find('folder', path)).toBeUndefined();
  expect(await find('none', path)).toBeUndefined();
});

test('nothing is taken from the current directory, however PATH names it', async () => {
  const before = process.cwd();
  process.chdir(bin);
  try {
    for (const path of ['', '.', ':', './', 'bin', '::']) expect(await find('tool', path)).toBeUndefined();
    expect(await find('./tool', bin)).toBeUndefined();
    expect(await find('bin/tool', directory.path)).toBeUndefined();
  } finally {
    process.chdir(before);
  }
});

test('an absolute path is taken as it is', async () => {
  expect(await find(join(bin, 'tool'), '')).toBe(join(bin, 'tool'));
  expect(await find(join(bin, 'plain'), bin)).toBeUndefined();
  expect(await find('', bin)).toBeUndefined();
});

describe('on Windows', () => {
  const windows = (program: string, env: Record<string, string>) =>
    candidates(program, { platform: 'win32', env });

  test('PATHEXT gives the endings, in its order', () => {
    const env = { PATH: 'C:\\Tools;"C:\\Program Files\\X"', PATHEXT: '.EXE;.CMD' };
    expect(windows('docker', env)).toEqual([
      'C:\\Tools\\docker.EXE',
      'C:\\Tools\\docker.CMD',
      'C:\\Program Files\\X\\docker.EXE',
      'C:\\Program Files\\X\\docker.CMD',
    ]);
    expect(windows('docker.exe', env)).toEqual(['C:\\Tools\\docker.exe', 'C:\\Program Files\\X\\docker.exe']);
  });

  test('a name with a dot that is no known ending still gets one', () => {
    expect(windows('docker-27.1', { PATH: 'C:\\Tools' })).toEqual(
      ['.COM', '.EXE', '.BAT', '.CMD'].map((ending) => `C:\\Tools\\docker-27.1${ending}`),
    );
  });

  test('only absolute directories count, and a path must be absolute', () => {
    expect(windows('docker', { PATH: '.;;bin;..\\x', PATHEXT: '.EXE' })).toEqual([]);
    for (const program of ['.\\docker', 'bin\\docker', 'bin/docker', 'C:docker']) {
      expect(windows(program, { PATH: 'C:\\Tools' })).toEqual([]);
    }
    expect(windows('C:\\Tools\\docker.exe', { PATH: '' })).toEqual(['C:\\Tools\\docker.exe']);
  });
});
