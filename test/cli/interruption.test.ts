import { expect, test } from '@jest/globals';
import { interruptible, type SignalSource } from '../../src/cli/interruption.js';

class FakeSource implements SignalSource {
  readonly #listeners = new Map<string, () => void>();
  on(signal: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(signal, listener);
  }
  exit(code: number): never {
    throw new Error(`exit ${code}`);
  }
  send(signal: NodeJS.Signals): void {
    this.#listeners.get(signal)?.();
  }
}

test('the first Ctrl-C raises the signal, the second one ends the process', () => {
  const source = new FakeSource();
  const signal = interruptible(source);
  source.send('SIGINT');
  expect(signal.aborted).toBe(true);
  expect(() => source.send('SIGINT')).toThrow('exit 130');
});

test('Ctrl-C is not ours while the terminal is lent; a signal to end is', () => {
  const source = new FakeSource();
  let isLent = true;
  const signal = interruptible(source, () => isLent);
  source.send('SIGINT');
  source.send('SIGINT');
  expect(signal.aborted).toBe(false);
  source.send('SIGTERM');
  expect(signal.aborted).toBe(true);
  isLent = false;
  expect(() => source.send('SIGINT')).toThrow('exit 130');
});
