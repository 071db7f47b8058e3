import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { InterruptedError } from '../../src/core/errors.js';
import { askYesNo } from '../../src/ui/prompt.js';
import { TextSink } from './text-sink.js';

const QUESTION = 'Are you sure? (y/n): ';
const { signal } = new AbortController();

test.each([
  ['y\n', 'yes'],
  ['Y\n', 'yes'],
  ['yes please\n', 'yes'],
  ['  y\n', 'yes'],
  ['y', 'yes'],
  ['y\r\n', 'yes'],
  ['n\n', 'no'],
  ['no\n', 'no'],
  ['\n', 'no'],
  ['maybe y\n', 'no'],
  ['', 'end'],
])('%j is %s', async (typed, answer) => {
  const input = new PassThrough();
  const output = new TextSink();
  input.end(typed);
  expect(await askYesNo(QUESTION, { input, output, signal })).toBe(answer);
  expect(output.text).toBe(QUESTION);
});

test('an endless `yes` is not read to its end, and answers the next question too', async () => {
  const input = new PassThrough();
  const output = new TextSink();
  input.write('y\ny\nn\n');
  expect(await askYesNo(QUESTION, { input, output, signal })).toBe('yes');
  expect(input.isPaused()).toBe(true);
  expect(await askYesNo(QUESTION, { input, output, signal })).toBe('yes');
  expect(await askYesNo(QUESTION, { input, output, signal })).toBe('no');
});

test('an answer may come in pieces', async () => {
  const input = new PassThrough();
  const asked = askYesNo(QUESTION, { input, output: new TextSink(), signal });
  input.write(' ');
  input.write('Y');
  input.write('es\n');
  expect(await asked).toBe('yes');
});

test('an input that ended before is the end, not a wait', async () => {
  const input = new PassThrough();
  input.end();
  const output = new TextSink();
  await askYesNo(QUESTION, { input, output, signal });
  expect(await askYesNo(QUESTION, { input, output, signal })).toBe('end');
});

test('on a terminal the end of input ends the line', async () => {
  const input = new PassThrough();
  input.end();
  const output = new TextSink({ columns: 80 });
  expect(await askYesNo(QUESTION, { input, output, signal })).toBe('end');
  expect(output.text).toBe(`${QUESTION}\n`);
});

test('Ctrl-C ends the question with its own error', async () => {
  const controller = new AbortController();
  const input = new PassThrough();
  const asked = askYesNo(QUESTION, { input, output: new TextSink(), signal: controller.signal });
  const reason = new InterruptedError();
  controller.abort(reason);
  await expect(asked).rejects.toBe(reason);
  expect(input.isPaused()).toBe(true);
});
