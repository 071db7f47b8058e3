import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeQcow2 } from '../../../src/drivers/qemu/qcow2.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const MIB = 1024 * 1024;

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  room = await temporaryDirectory('qcow2');
});
afterAll(() => room.remove());

function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8' });
}

test.each([
  ['the contract part alone', 20000, 4096],
  ['the largest head with a seed', 20000, 320 * 1024],
  ['a head that ends within a cluster', 1200, 65536 + 512],
  ['an empty head', 1200, 0],
  ['a disk of 3 TB, whose first-level table has more than one cluster', 3_200_000 * 2, 4096],
])('QEMU finds no fault in an image with %s', async (name, sizeMib, headBytes) => {
  const head = Uint8Array.from({ length: headBytes }, (_, index) => (index * 7 + 3) % 251);
  const file = join(room.path, `${name.replaceAll(/\W/g, '-')}.qcow2`);
  await writeFile(file, makeQcow2(sizeMib * MIB, head));
  expect(qemuImg('check', file)).toMatch(/No errors were found on the image/);
  const info: unknown = JSON.parse(qemuImg('info', '--output=json', file));
  expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': sizeMib * MIB, 'cluster-size': 65536 });
});

test('the image reads as the head and zeros, and takes writes in place and anew', async () => {
  const head = new TextEncoder().encode('boot2docker, please format-me'.padEnd(5000, 'x'));
  const file = join(room.path, 'read.qcow2');
  await writeFile(file, makeQcow2(8 * MIB, head));
  const raw = join(room.path, 'read.raw');
  qemuImg('convert', '-O', 'raw', file, raw);
  const bytes = readFileSync(raw);
  expect(bytes).toHaveLength(8 * MIB);
  expect(bytes.subarray(0, head.length).equals(head)).toBe(true);
  expect(bytes.subarray(head.length).every((byte) => byte === 0)).toBe(true);

  execFileSync('qemu-io', ['-c', 'write -P 0 0 64k', '-c', 'write -P 5 6M 1M', '-c', 'flush', file]);
  expect(qemuImg('check', file)).toMatch(/No errors were found on the image/);
  execFileSync('qemu-io', ['-c', 'read -P 0 0 64k', '-c', 'read -P 5 6M 1M', file]);
  // The wipe of a guest must reach the bytes that held the head.
  expect(readFileSync(file).includes('please format-me')).toBe(false);
});

test.each([
  [100, 200],
  [1024 * 1024 * MIB, 64 * 1024 * 8192 + 1],
])('a disk of %d bytes takes no head of %d bytes', (size, headBytes) => {
  expect(() => makeQcow2(size, new Uint8Array(headBytes))).toThrow(RangeError);
});
