import { expect, test } from '@jest/globals';
import { SystemClock } from '../../src/host/clock.js';
import { SystemRandom } from '../../src/host/random.js';

const clock = new SystemClock();

test('a sleep lasts as long as asked, by the clock that only grows', async () => {
  const before = clock.monotonic();
  await clock.sleep(20);
  expect(clock.monotonic() - before).toBeGreaterThanOrEqual(19);
});

test('a sleep of months does not end at once, and an interruption ends it with its reason', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  const sleeping = clock.sleep(100 * 86_400_000, stop.signal);
  const first = await Promise.race([
    sleeping.catch(() => 'ended'),
    new Promise((resolve) => setImmediate(() => resolve('asleep'))),
  ]);
  stop.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  expect(first).toBe('asleep');
});

test('a sleep after the interruption does not begin', async () => {
  const reason = new Error('enough');
  await expect(clock.sleep(1, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('now is the time of this computer', () => {
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000);
});

test('random bytes are as many as asked and not the same twice', () => {
  const random = new SystemRandom();
  expect(random.bytes(5)).toHaveLength(5);
  expect(Buffer.from(random.bytes(16)).equals(Buffer.from(random.bytes(16)))).toBe(false);
});
