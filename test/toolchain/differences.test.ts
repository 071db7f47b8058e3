import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Defects of docker-machine, numbered as in docs/contract/cli.md section 6, that are mended here. */
const MENDED = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

const cells = (line: string) => line.split('|').map((cell) => cell.trim());
const tableRows = (path: string) =>
  read(path)
    .split('\n')
    .filter((line) => /^\| (?!no\.|---)/.test(line))
    .map(cells);

describe('docs/differences.md', () => {
  const rows = tableRows('docs/differences.md').map(
    ([, number = '', what = '', ours = '', theirs = '', shownBy = '']) => ({
      number,
      what,
      ours,
      theirs,
      shownBy,
    }),
  );

  test.each(rows)('$what: the test that is named is there', ({ ours, theirs, shownBy }) => {
    expect([ours, theirs]).not.toContain('');
    const [, file = '', words = ''] = /^`(test\/[^`]+\.test\.ts)` "(.+)"$/.exec(shownBy) ?? [];
    expect(file).not.toBe('');
    expect(existsSync(join(ROOT, file))).toBe(true);
    expect(read(file)).toContain(words);
  });

  test('every mended defect has one row', () => {
    const numbers = rows.flatMap(({ number }) => (number === '' ? [] : [number])).sort();
    expect(numbers).toEqual(MENDED.map((number) => `D${number}`).sort());
  });
});

describe('docs/pains.md', () => {
  const listed = tableRows('docs/pains.md').map(([, number = '']) => number);
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join('test', file))
    .filter((file) => file !== join('test', 'toolchain', 'differences.test.ts'));
  // The number of a pain stands at the beginning of a claim, alone or in a list: "P21, P36: env of ..."
  const claimed = new Set(
    files.flatMap((file) =>
      [...read(file).matchAll(/['"`](P\d{2}(?:, P\d{2})*): /g)].flatMap(([, numbers = '']) =>
        numbers.split(', '),
      ),
    ),
  );

  test.each(listed)('%s has a test that bears its number', (number) => {
    expect([...claimed]).toContain(number);
  });

  test('every number that a test bears is listed', () => {
    expect([...claimed].filter((number) => !listed.includes(number))).toEqual([]);
  });
});
