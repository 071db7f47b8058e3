import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lastLines } from '../../../src/core/console-text.js';
import { readConsoleSince, readConsoleTail } from '../../../src/drivers/qemu/console.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  room = await temporaryDirectory('console');
});
afterAll(() => room.remove());

test.each([
  ['colours and cursor moves', '\u001b[1;32mok\u001b[0m\u001b[2J\u001b[H done\n', 'ok done'],
  ['a window title', '\u001b]0;root@host\u0007login:\n', 'login:'],
  ['an unfinished title', '\u001b]0;root', ''],
  ['a bell, a zero byte, a C1 control', 'a\u0007b\u0000c\u009bd\n', 'abcd'],
  ['DOS line ends', 'one\r\ntwo\r\r\n', 'one\ntwo'],
  ['a progress line that was overwritten', '10%\r20%\r30%\nend', '30%\nend'],
  ['empty lines', '\n\n a \n\n', ' a'],
])('P18: a console line is fit for a terminal: %s', (_what, text, shown) => {
  expect(lastLines(text, 10)).toBe(shown);
});

test('P18: only the last lines are shown, also of a log that is longer than what is read', async () => {
  const path = join(room.path, 'long');
  const count = 20_000;
  await writeFile(
    path,
    Array.from({ length: count }, (_, index) => `line ${index + 1} ${'.'.repeat(20)}\n`).join(''),
  );
  const tail = await readConsoleTail(path, 2);
  expect(tail).toBe([count - 1, count].map((n) => `line ${n} ${'.'.repeat(20)}`).join('\n'));
});

test('a console that is not there is empty', async () => {
  expect(await readConsoleTail(join(room.path, 'none'), 5)).toBe('');
  expect(await readConsoleSince(join(room.path, 'none'), 0)).toBe('');
});

test('what was written since is told from what was there before', async () => {
  const path = join(room.path, 'since');
  await writeFile(path, 'before\nafter\n');
  expect(await readConsoleSince(path, 7)).toBe('after\n');
  expect(await readConsoleSince(path, 13)).toBe('');
  expect(await readConsoleSince(path, 99)).toBe('');
});
