import { expect, test } from '@jest/globals';
import { TimedOutError } from '../../src/core/errors.js';
import { waitUntil } from '../../src/core/wait.js';
import { FakeClock } from '../support/fake-clock.js';

const limits = (clock: FakeClock, more = {}) => ({
  everyMs: 1000,
  withinMs: 10_000,
  clock,
  signal: new AbortController().signal,
  ...more,
});

test('the wait ends with the value as soon as the probe is done', async () => {
  const clock = new FakeClock();
  let looks = 0;
  const value = await waitUntil(
    'a value',
    async () => (++looks === 3 ? { done: true, value: 'here' } : { done: false, seen: 'nothing' }),
    limits(clock),
  );
  expect(value).toBe('here');
  expect(clock.sleeps).toEqual([1000, 1000]);
});

test('P18: a timeout says what was awaited, how long, and what was seen last', async () => {
  const clock = new FakeClock();
  const wait = waitUntil('SSH on h:22', async () => ({ done: false, seen: 'port closed' }), limits(clock));
  await expect(wait).rejects.toThrow(TimedOutError);
  await expect(wait).rejects.toMatchObject({
    message: 'Timed out after 10 s waiting for SSH on h:22',
    reason: 'last seen: port closed',
  });
});

test('a guest that shows something new gets more time; a silent one does not', async () => {
  const clock = new FakeClock();
  let line = 0;
  const moving = waitUntil(
    'a slow guest',
    async () => (++line > 8 ? { done: true, value: line } : { done: false, seen: `line ${line}` }),
    limits(clock, { withinMs: 60_000, quietMs: 2000 }),
  );
  await expect(moving).resolves.toBe(9);
  const silent = waitUntil(
    'a dead guest',
    async () => ({ done: false, seen: 'the same line' }),
    limits(new FakeClock(), { withinMs: 60_000, quietMs: 2000 }),
  );
  await expect(silent).rejects.toThrow('Timed out after 2 s');
});

test('a jump of the wall clock neither ends nor prolongs a wait', async () => {
  const clock = new FakeClock();
  let looks = 0;
  const wait = waitUntil(
    'nothing',
    async () => {
      looks += 1;
      clock.jump(looks === 1 ? 86_400_000 : -86_400_000);
      return { done: false, seen: '' };
    },
    limits(clock),
  );
  await expect(wait).rejects.toThrow('Timed out after 10 s');
  expect(looks).toBe(11);
});

test('an interrupt ends the wait with its own reason', async () => {
  const controller = new AbortController();
  const wait = waitUntil(
    'nothing',
    async () => {
      controller.abort(new Error('Ctrl-C'));
      return { done: false, seen: '' };
    },
    limits(new FakeClock(), { signal: controller.signal }),
  );
  await expect(wait).rejects.toThrow('Ctrl-C');
});
