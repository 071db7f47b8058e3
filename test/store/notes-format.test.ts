import { expect, test } from '@jest/globals';
import { parseNotes, printNotes } from '../../src/store/notes-format.js';

const image = { version: 'v26.1.5', digest: 'ab', oneStep: true };
const notes = {
  journal: ['recorded', 'created'] as const,
  request: { flags: ['a'] },
  hostKey: 'ssh-ed25519 AAAA',
  image,
  driver: { port: 1 },
};

test('notes come back as they were written', () => {
  expect(parseNotes(printNotes(notes, 'config'), 'config')).toEqual(notes);
  expect(parseNotes(printNotes({}, 'config'), 'config')).toEqual({});
});

test('beside a config that somebody else wrote, the image is not believed and the rest is', () => {
  const { image: _, ...rest } = notes;
  expect(parseNotes(printNotes(notes, 'config'), 'another config')).toEqual(rest);
});

test('fields of the wrong form are left out', () => {
  const text = JSON.stringify({
    journal: ['created', 'nonsense', 7, 'recorded'],
    request: [],
    hostKey: 5,
    driver: 'x',
    image: {},
  });
  expect(parseNotes(text, '')).toEqual({ journal: ['recorded', 'created'] });
});

test('what a newer program noted is noted again', () => {
  const read = parseNotes('{"version": 9, "config": "x", "novelty": {"a": 1}}', '');
  expect(JSON.parse(printNotes(read ?? {}, ''))).toMatchObject({ novelty: { a: 1 } });
});

test('a text that is no notes is told from empty notes', () => {
  for (const text of ['', '{', '[]', 'null']) expect(parseNotes(text, '')).toBeUndefined();
});
