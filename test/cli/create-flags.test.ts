import { describe, expect, test } from '@jest/globals';
import { createFlags, findDriverName } from '../../src/cli/create-flags.js';
import { knownDriver } from '../../src/cli/driver-options.js';
import type { FlagSpec } from '../../src/cli/flag-spec.js';
import { readFlagValues } from '../../src/cli/flag-values.js';
import { SHARED_CREATE_FLAGS } from '../../src/cli/shared-create-flags.js';

test.each<[readonly string[], string | undefined]>([
  [['--driver', 'none', 'm'], 'none'],
  [['-d', 'none', 'm'], 'none'],
  [['-driver=none', 'm'], 'none'],
  [['--driver=none', 'm'], 'none'],
  [['-d=none', 'm'], 'none'],
  [['m', '--url', 'x', '-d', 'none'], 'none'],
  [['-d', 'none', '-d', 'qemu', 'm'], 'qemu'],
  [['m'], undefined],
  [['--engine-opt', '-d', 'none', 'm'], undefined],
  [['--swarm', '-d', 'none'], 'none'],
  [['m', '--', '-d', 'none'], undefined],
  [['m', '-d'], undefined],
])('the driver named by %j is %j', (args, name) => {
  expect(findDriverName(args)).toBe(name);
});

test.each([
  ['qemu', 'qemu'],
  ['nope', undefined],
  [undefined, undefined],
])(
  'MACHINE_DRIVER=%s brings the flags of %s; a wrong one does not stand in the way of the help',
  (value, name) => {
    expect(knownDriver(value)).toBe(name);
  },
);

test('the shared flags come with those of the driver; the first of two with one name counts', () => {
  const memory: FlagSpec = { name: 'memory', type: 'int', help: 'first' };
  const flags = createFlags(
    [memory],
    [
      { name: 'memory', type: 'string', help: 'second' },
      { name: 'url', type: 'string', help: '' },
    ],
  );
  expect(flags.slice(0, SHARED_CREATE_FLAGS.length)).toEqual(SHARED_CREATE_FLAGS);
  expect(flags.slice(SHARED_CREATE_FLAGS.length).map(({ name, help }) => [name, help])).toEqual([
    ['memory', 'first'],
    ['url', ''],
  ]);
});

describe('values: command line, then variable, then default', () => {
  const specs: readonly FlagSpec[] = [
    { name: 'memory', type: 'int', default: 1024, env: 'MEMORY', help: '' },
    { name: 'share', type: 'bool', env: 'SHARE', help: '' },
    { name: 'mirror', type: 'slice', env: 'MIRROR', default: ['d'], help: '' },
    { name: 'image', type: 'string', env: 'IMAGE', default: 'i', help: '' },
  ];

  test('nothing is given', () => {
    const { values, given, warnings } = readFlagValues(specs, {}, {});
    expect(values).toEqual({ memory: 1024, share: false, mirror: ['d'], image: 'i' });
    expect([...given]).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('variables are read as Go reads them', () => {
    const { values, given, originOf } = readFlagValues(
      specs,
      {},
      { MEMORY: '0x400', SHARE: 'T', MIRROR: 'a, b,c', IMAGE: 'x' },
    );
    expect(values).toEqual({ memory: 1024, share: true, mirror: ['a', 'b', 'c'], image: 'x' });
    expect([...given]).toEqual(['memory', 'share', 'mirror', 'image']);
    expect(originOf('image')).toBe('IMAGE');
  });

  test('the command line wins, also with nothing and with false', () => {
    const env = { MEMORY: '1', SHARE: '1', MIRROR: 'a', IMAGE: 'x' };
    const { values, originOf } = readFlagValues(
      specs,
      { memory: 5, share: false, mirror: ['z'], image: '' },
      env,
    );
    expect(values).toEqual({ memory: 5, share: false, mirror: ['z'], image: '' });
    expect(originOf('image')).toBe('--image');
  });

  test('an empty variable is unset', () => {
    const { given } = readFlagValues(specs, {}, { MEMORY: '', SHARE: '', MIRROR: '', IMAGE: '' });
    expect([...given]).toEqual([]);
  });

  test('a variable that cannot be read gives the default, and a warning instead of silence', () => {
    const { values, given, warnings } = readFlagValues(specs, {}, { MEMORY: '2GB', SHARE: 'yes' });
    expect(values).toMatchObject({ memory: 1024, share: false });
    expect([...given]).toEqual([]);
    expect(warnings).toEqual([
      'MEMORY="2GB" is ignored, because it is not a whole number: --memory is 1024',
      'SHARE="yes" is ignored, because it is neither true nor false: --share is false',
    ]);
  });
});
