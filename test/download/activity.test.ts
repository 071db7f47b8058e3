import { describe, expect, test } from '@jest/globals';
import { watchActivity } from '../../src/download/activity.js';
import { HeldClock } from '../support/fake-clock.js';

describe('P07: silence', () => {
  test('of the whole limit raises the signal', async () => {
    const clock = new HeldClock();
    const watch = watchActivity(clock, 60_000, new AbortController().signal);
    await clock.advance(59_999);
    expect(watch.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(watch.signal.aborted).toBe(true);
    expect(watch.stalled()).toBe(true);
  });

  test('is counted from the last byte: a slow transfer is no silence', async () => {
    const clock = new HeldClock();
    const watch = watchActivity(clock, 60_000, new AbortController().signal);
    for (let chunk = 0; chunk < 10; chunk++) {
      await clock.advance(40_000);
      watch.seen();
    }
    expect(watch.signal.aborted).toBe(false);
    await clock.advance(60_000);
    expect(watch.stalled()).toBe(true);
  });

  test('is not what a caller who gives up means', () => {
    const caller = new AbortController();
    const watch = watchActivity(new HeldClock(), 60_000, caller.signal);
    caller.abort();
    expect(watch.signal.aborted).toBe(true);
    expect(watch.stalled()).toBe(false);
  });

  test('is no longer watched after the end', async () => {
    const clock = new HeldClock();
    const watch = watchActivity(clock, 60_000, new AbortController().signal);
    watch.end();
    expect(clock.sleeping).toBe(0);
    await clock.advance(120_000);
    expect(watch.signal.aborted).toBe(false);
  });
});
