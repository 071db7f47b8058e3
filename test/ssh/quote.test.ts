import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { GuestError } from '../../src/core/errors.js';
import { quote } from '../../src/ssh/quote.js';

const run = promisify(execFile);

const WORDS = [
  '',
  'plain-word_1.txt',
  'two words',
  "it's",
  "'",
  "''\\''",
  '"double" $HOME `id` $(id) \\ \\n',
  'line\nline\n',
  '\ttab\r',
  'grün 日本 🐳',
  '*?[a]{b,c}~',
  '-n',
  '~root',
  '#no comment',
  'a=b;c&d|e<f>g(h)!i^j',
  '\u0001\u001b[31m',
];

describe('quoting for a shell in a guest', () => {
  test.each(['sh', 'bash', 'zsh'])('every word reaches a program through %s as it is', async (shell) => {
    const program = [process.execPath, '-p', 'JSON.stringify(process.argv.slice(1))', '--', ...WORDS];
    const { stdout } = await run(shell, ['-c', program.map(quote).join(' ')]);
    expect(JSON.parse(stdout)).toEqual(WORDS);
  });

  test('words that need none stay readable', () => {
    expect(['sudo', '/usr/bin/env', 'a@b:2', 'x,y%+'].map(quote)).toEqual([
      'sudo',
      '/usr/bin/env',
      'a@b:2',
      'x,y%+',
    ]);
  });

  test('a NUL is refused: no program can be given one', () => {
    expect(() => quote('a\0b')).toThrow(GuestError);
  });
});
