import { expect, test } from '@jest/globals';
import { verdictOn } from './describe-here.js';

const notMade = { why: 'not set up', isMendable: true };
const impossible = { why: 'not Debian', isMendable: false };

test.each([
  ['run', undefined, true],
  ['run', undefined, false],
  ['fail', notMade, true],
  ['skip', notMade, false],
  ['skip', impossible, true],
  ['skip', impossible, false],
] as const)('what a suite needs: %s (lacking: %j, CI: %s)', (verdict, lack, isCi) => {
  expect(verdictOn(lack, isCi)).toBe(verdict);
});
