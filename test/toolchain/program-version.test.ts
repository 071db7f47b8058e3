import { expect, test } from '@jest/globals';
import packageData from '../../package.json' with { type: 'json' };
import { PROGRAM_BUILD, PROGRAM_VERSION } from '../../src/cli/program-version.js';

test('the version is the one of package.json', () => {
  expect(PROGRAM_VERSION).toBe(packageData.version);
});

test('sources that were not bundled call their build "source"', () => {
  expect(PROGRAM_BUILD).toBe('source');
});
