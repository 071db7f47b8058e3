import { describe, expect, test } from '@jest/globals';
import { withDeadline } from '../../src/core/deadline.js';
import { InterruptedError, TmachineError } from '../../src/core/errors.js';
import { HeldClock } from '../support/fake-clock.js';

const late = () => new Error('too late');

describe('work with a deadline', () => {
  test('gives its result and leaves no sleep behind', async () => {
    const clock = new HeldClock();
    const limits = { ms: 10, clock, signal: new AbortController().signal, late };
    await expect(withDeadline(async () => 5, limits)).resolves.toBe(5);
    expect(clock.sleeping).toBe(0);
  });

  test('throws what it throws and leaves no sleep behind', async () => {
    const clock = new HeldClock();
    const limits = { ms: 10, clock, signal: new AbortController().signal, late };
    await expect(withDeadline(() => Promise.reject(new Error('mine')), limits)).rejects.toThrow('mine');
    expect(clock.sleeping).toBe(0);
  });

  test('ends when time is up, although the work does not, and tells the work', async () => {
    const clock = new HeldClock();
    let told = false;
    const work = (signal: AbortSignal) =>
      new Promise<never>(() => {
        signal.addEventListener('abort', () => {
          told = true;
        });
      });
    const ended = withDeadline(work, { ms: 10, clock, signal: new AbortController().signal, late });
    const outcome = expect(ended).rejects.toThrow('too late');
    await clock.advance(9);
    expect(told).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(told).toBe(true);
  });

  test.each([
    [new InterruptedError('Ctrl-C'), 'Ctrl-C'],
    [new Error('something else'), 'Interrupted'],
  ])('ends at once with an interruption (%s)', async (reason, message) => {
    const clock = new HeldClock();
    const interrupt = new AbortController();
    const ended = withDeadline(() => new Promise<never>(() => undefined), {
      ms: 10,
      clock,
      signal: interrupt.signal,
      late,
    });
    interrupt.abort(reason);
    await expect(ended).rejects.toThrow(message);
    await expect(ended).rejects.toBeInstanceOf(TmachineError);
    expect(clock.sleeping).toBe(0);
  });

  test('does not begin after an interruption', async () => {
    let begun = false;
    const work = async () => {
      begun = true;
    };
    const signal = AbortSignal.abort(new InterruptedError());
    await expect(withDeadline(work, { ms: 10, clock: new HeldClock(), signal, late })).rejects.toThrow(
      InterruptedError,
    );
    expect(begun).toBe(false);
  });
});
