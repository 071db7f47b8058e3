import { describe, expect, test } from '@jest/globals';
import { clientApis, matchApis } from '../../src/core/api-versions.js';

describe('P40: a docker client and an engine', () => {
  const stock = { min: '1.12', max: '1.40' }; // boot2docker 19.03

  test.each([
    ['28.5.1', '1.51', 'fits'],
    ['29.0.0', '1.52', 'engine-too-old'],
    ['29.2.1', '1.53', 'engine-too-old'],
    ['29.3.0', '1.54', 'fits'],
    ['30.1.0', '1.56', 'fits'],
  ])('client %s with the engine of the last boot2docker: %s at most, %s', (release, newest, expected) => {
    expect(matchApis(clientApis(release, newest), stock)).toBe(expected);
  });

  test('an old client meets an engine that has left it behind', () => {
    expect(matchApis(clientApis('19.03.12', '1.40'), { min: '1.44', max: '1.53' })).toBe('client-too-old');
  });

  test('1.9 is older than 1.24, and numbers that cannot be read prove nothing', () => {
    expect(matchApis({ min: '', max: '1.9' }, { min: '1.24', max: '1.45' })).toBe('client-too-old');
    expect(matchApis({ min: 'x', max: '' }, { min: '?', max: '' })).toBe('fits');
  });
});
