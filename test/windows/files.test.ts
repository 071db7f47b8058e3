import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  namesIn,
  releasedWhenTold,
  type WindowsPlace,
  type WindowsRun,
  windowsPlace,
} from '../support/windows-lab.js';

/** What others may do with a file: read it only; read and write it. */
const READ = 1;
const READ_WRITE = 3;

describe('files of the store on Windows', () => {
  let place: WindowsPlace;
  const tmachine = (args: readonly string[], run: WindowsRun = {}) =>
    place.tmachine(['-s', `${place.windowsPath}\\store`, ...args], run);
  const machine = (file: string) => join(place.path, 'store', 'machines', 'dev', file);

  beforeEach(async () => {
    place = await windowsPlace();
    const { status } = await tmachine(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'dev']);
    expect(status).toBe(0);
  });

  afterEach(() => place.remove());

  test('P09: a file that a scanner reads is replaced as soon as it is let go, and the waiting is told', async () => {
    await tmachine(['regenerate-certs', '-f', 'dev']);
    const before = await readFile(machine('cert.pem'), 'utf8');
    const held = await place.hold('store/machines/dev/cert.pem', READ);
    const { status, stdout, stderr } = await tmachine(
      ['regenerate-certs', '-f', '--client-certs', 'dev'],
      releasedWhenTold(held),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/cert\.pem" has been held by another program for 2 s/);
    const after = await readFile(machine('cert.pem'), 'utf8');
    expect(after).not.toBe(before);
    expect(after).toBe(await readFile(join(place.path, 'store', 'certs', 'cert.pem'), 'utf8'));
    expect((await namesIn(machine(''))).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  test('P09: a machine whose record somebody reads can be removed as soon as it is let go', async () => {
    const held = await place.hold('store/machines/dev/config.json', READ_WRITE, 5);
    const { status, stderr } = await tmachine(['rm', '-f', 'dev']);
    await held.release();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(existsSync(machine(''))).toBe(false);
    expect((await tmachine(['ls', '-q'])).stdout).toBe('');
  });

  test('P27: a record that nobody may read now is a row with the reason', async () => {
    const held = await place.hold('store/machines/dev/config.json', 0);
    const { status, stdout } = await tmachine(['ls']);
    await held.release();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^dev .* Error .*being used by another process/m);
  });
});
