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

test('the lockfile names no host: everybody uses their own mirror', () => {
  expect(text).not.toContain('"resolved"');
});

test('every version is exact', () => {
  expect(
    Object.values(packageData.devDependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
  ).toEqual([]);
  expect('dependencies' in packageData).toBe(false);
});
