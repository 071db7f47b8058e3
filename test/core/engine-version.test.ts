import { expect, test } from '@jest/globals';
import { compareEngineVersions } from '../../src/core/engine-version.js';

test.each([
  ['v19.03.12', 'v26.1.5', -1],
  ['26.1.5', 'v26.1.5', 0],
  ['v28.5.2', 'v26.1.5', 1],
  ['v26.1', 'v26.1.0', 0],
  ['v26.1.10', 'v26.1.9', 1],
  ['v17.09.0-ce', 'v17.09.1-ce', -1],
  ['', 'v26.1.5', 0],
  ['nightly', 'v26.1.5', 0],
])('%s against %s: %d', (one, other, sign) => {
  expect(Math.sign(compareEngineVersions(one, other))).toBe(sign);
  expect(Math.sign(compareEngineVersions(other, one))).toBe(sign === 0 ? 0 : -sign);
});
