import { expect, test } from '@jest/globals';
import { parentPrograms, parseParents } from '../../src/host/parent-programs.js';
import { FakeProcesses } from '../support/fake-processes.js';

test('P25: the chain of programs above a process is read from a list, the nearest first', () => {
  const list = '  1     0 init\n 20   1 /usr/bin/zsh\r\n 300  20 My Shell.exe\n400 300 node\n';
  expect(parseParents(list, 300)).toEqual(['My Shell.exe', '/usr/bin/zsh', 'init']);
  expect(parseParents(list, 999)).toEqual([]);
});

test('a list that goes in a circle ends', () => {
  expect(parseParents('2 3 a\n3 2 b\n', 2)).toHaveLength(6);
});

test('on Linux the programs above the test itself are found without starting any', async () => {
  const parents = await parentPrograms({ platform: 'linux', env: {} }, new FakeProcesses([]));
  expect(parents.length).toBeGreaterThan(0);
});
