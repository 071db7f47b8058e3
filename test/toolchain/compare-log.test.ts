import { expect, test } from '@jest/globals';
import { compareLogs } from '../support/compare-log.js';

const extra = { kind: 'extra', line: /^note/, reason: 'notes are ours' } as const;
const missing = { kind: 'missing', line: /^\$$/, reason: 'no prompt' } as const;
const mask = { ours: '/home/me', original: 'C:\\Users\\*', reason: 'paths' } as const;

test('the same lines but for what is declared are the same log', () => {
  const allowed = { deviations: [extra, missing], masks: [mask] };
  expect(compareLogs(['in C:\\Users\\*', 'b', '$'], ['in /home/me', 'note', 'b'], allowed)).toEqual([]);
});

test('another line, one too many, one too few and one in another place are told', () => {
  const none = { deviations: [], masks: [] };
  expect(compareLogs(['a', 'b'], ['a', 'c'], none)).toEqual(['line 2: original "b", ours "c"']);
  expect(compareLogs(['a'], ['a', 'b'], none)).toEqual(['line 2: original ends, ours "b"']);
  expect(compareLogs(['a', 'b'], ['a'], none)).toEqual(['line 2: original "b", ours ends']);
  expect(compareLogs(['a', 'b'], ['b', 'a'], none)).toHaveLength(2);
});

test('a declaration that nobody needs is told too', () => {
  expect(compareLogs(['a'], ['a'], { deviations: [extra], masks: [mask] })).toEqual([
    'declared, but does not occur: notes are ours',
    'declared, but does not occur: paths',
  ]);
});
