import { expect, test } from '@jest/globals';
import { FakeClock, HeldClock } from './fake-clock.js';

test('a fake sleep takes no time and moves both clocks', async () => {
  const clock = new FakeClock(1000);
  await clock.sleep(500);
  clock.jump(-10_000);
  expect([clock.now(), clock.monotonic(), clock.sleeps]).toEqual([-8500, 500, [500]]);
});

test('a fake sleep ends with the reason of its signal', async () => {
  const reason = new Error('enough');
  await expect(new FakeClock().sleep(1, AbortSignal.abort(reason))).rejects.toBe(reason);
  const stop = new AbortController();
  const sleeping = new HeldClock().sleep(1, stop.signal);
  stop.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
});

test('a held clock wakes a sleeper when its time has come', async () => {
  const clock = new HeldClock();
  let awake = false;
  const sleeping = clock.sleep(100).then(() => {
    awake = true;
  });
  await clock.advance(99);
  expect([awake, clock.sleeping]).toEqual([false, 1]);
  await clock.advance(1);
  await sleeping;
  expect([awake, clock.sleeping]).toEqual([true, 0]);
});
