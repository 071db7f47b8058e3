import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import packageData from '../../package.json' with { type: 'json' };
import { missingOptionalPackages } from '../../scripts/complete-lockfile.mjs';

const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
const { packages } = JSON.parse(text);

test('the lockfile knows the packages of every platform, or npm ci would refuse it (scripts/complete-lockfile.mjs)', () => {
  expect([...missingOptionalPackages(packages).keys()]).toEqual([]);
  const { 'node_modules/@biomejs/cli-darwin-arm64': _, ...without } = packages;
  expect([...missingOptionalPackages(without).values()]).toEqual([
    {
      version: '2.6.8',
      cpu: ['arm64'],
      dev: true,
      license: 'MIT OR Apache-2.0',
      optional: true,
      os: ['darwin'],
    },
  ]);
});

test('npm ci checks every package against a digest; only those made for another platform may lack one', () => {
  const unchecked = Object.entries<Record<string, unknown>>(packages)
    .filter(([path, { integrity }]) => path !== '' && integrity === undefined)
    .filter(([, { optional, dev, os, cpu }]) => !(optional && dev && (os ?? cpu) !== undefined));
  expect(unchecked).toEqual([]);
  const { platform, arch } = process;
  const ours = Object.entries<{ os?: string[]; cpu?: string[]; libc?: string[]; integrity?: string }>(
    packages,
  )
    .filter(([, { os, cpu }]) => os?.includes(platform) && cpu?.includes(arch))
    .filter(([, { libc, integrity }]) => !libc?.includes('musl') && integrity === undefined);
  expect(ours.map(([path]) => path).filter((path) => !path.includes('musl'))).toEqual([]);
});

test('the lockfile names no host: everybody uses their own mirror', () => {
  expect(text).not.toContain('"resolved"');
});

test('every version is exact', () => {
  expect(
    Object.values(packageData.devDependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
  ).toEqual([]);
  expect('dependencies' in packageData).toBe(false);
});
