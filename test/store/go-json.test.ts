import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { goSyntaxError, parseGoJson, printGoJson } from '../../src/store/go-json.js';

const FIXTURES = new URL('../fixtures/store/', import.meta.url);
const errors: { text: string; error: string }[] = JSON.parse(
  readFileSync(new URL('go-json-errors.json', FIXTURES), 'utf8'),
);

describe('a text that is no JSON gets the words that Go has for it', () => {
  test.each(errors.filter(({ error }) => !error.startsWith('json:')))('$text', ({ text, error }) => {
    if (error === '') parseGoJson(text);
    else expect(goSyntaxError(text)).toBe(error);
    if (error !== '') expect(() => parseGoJson(text)).toThrow(error);
  });
});

test('values print as Go prints them', () => {
  const value = {
    a: '<a href="x">&amp;</a>',
    b: '\u2028\u2029',
    c: '\b\f\n\r\t\0\x1f\x7f',
    d: '\\<\\b\\\\',
    e: [],
    f: {},
    g: null,
    h: [1, 0.5, 1e21, 1e-7, -3, true],
    i: 'é 漢 😀 \u00a0\u200b',
    j: null,
  };
  expect(printGoJson(value)).toBe(readFileSync(new URL('go-json-printed.json', FIXTURES), 'utf8'));
});

test('half a surrogate pair becomes the replacement character', () => {
  expect(printGoJson('a\ud800b')).toBe('"a\ufffdb"');
});

test('a byte-order mark before the text is skipped', () => {
  expect(parseGoJson('\ufeff{"a": 1}')).toEqual({ a: 1 });
});

test('a text nested without end is refused, not followed', () => {
  expect(() => parseGoJson('['.repeat(200_000))).toThrow('unexpected end of JSON input');
});
