import { expect, test } from '@jest/globals';
import { joinErrors, oneNameOrDefault } from '../../../src/core/actions/bulk.js';
import { TmachineError } from '../../../src/core/errors.js';

const failure = (message: string, nextSteps: string[] = []) =>
  new TmachineError({ code: 'X', message, nextSteps });

test('without a name a command means the machine "default"', () => {
  expect(oneNameOrDefault([])).toBe('default');
  expect(oneNameOrDefault(['dev'])).toBe('dev');
  expect(() => oneNameOrDefault(['a', 'b'])).toThrow('Error: Expected one machine name as an argument');
});

test('several failures become one, a line each, every next step once', () => {
  const joined = joinErrors([failure('a broke', ['try']), failure('b broke', ['try', 'look'])]);
  expect(joined).toMatchObject({ message: 'a broke\nb broke', nextSteps: ['try', 'look'], exitCode: 1 });
});

test('one failure stays what it is, and a bug among failures is not hidden by them', () => {
  const only = failure('a broke');
  expect(joinErrors([only])).toBe(only);
  const bug = new TypeError('x is not a function');
  expect(joinErrors([only, bug])).toBe(bug);
});
