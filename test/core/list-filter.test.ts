import { describe, expect, test } from '@jest/globals';
import { parseListFilter } from '../../src/core/list-filter.js';
import { machineRecord } from '../support/machine-record.js';

const dev = machineRecord({ name: 'dev-1', driverName: 'qemu', labels: ['env=Prod', 'plain'] });

describe('ls --filter', () => {
  test.each([
    { words: [], matches: true },
    { words: ['driver=QEMU'], matches: true },
    { words: ['driver=none', 'driver=qemu'], matches: true },
    { words: ['driver=none'], matches: false },
    { words: ['DRIVER=qemu', 'name=^dev'], matches: true },
    { words: ['driver=qemu', 'name=^prod'], matches: false },
    { words: ['name=v-\\d'], matches: true },
    { words: ['label=env=prod'], matches: true },
    { words: ['label=env=test'], matches: false },
    { words: ['label=plain'], matches: true },
    { words: ['label=env'], matches: false },
  ])('$words: $matches', ({ words, matches }) => {
    expect(parseListFilter(words).matchesRecord(dev)).toBe(matches);
  });

  test('state is compared without regard to case', () => {
    const filter = parseListFilter(['state=running', 'state=SAVED']);
    expect(['Running', 'Saved', 'Stopped'].map((state) => filter.matchesState(state))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test.each([
    { words: ['running'], message: 'Unsupported filter syntax' },
    { words: ['foo=bar'], message: "Unsupported filter key 'foo'" },
    { words: ['name=['], message: 'error parsing regexp: `[`' },
  ])('$words is refused: $message', ({ words, message }) => {
    expect(() => parseListFilter(words)).toThrow(message);
  });
});
