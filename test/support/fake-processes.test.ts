import { expect, test } from '@jest/globals';
import { FakeProcesses } from './fake-processes.js';

test('an unexpected call fails at once and at the end', async () => {
  const processes = new FakeProcesses([]);
  await expect(processes.run('/bin/tool', ['x'])).rejects.toThrow('unexpected call: run ["/bin/tool","x"]');
  expect(() => processes.verify()).toThrow('unexpected call: run ["/bin/tool","x"]');
});

test('an expectation that was not used fails at the end', async () => {
  const processes = new FakeProcesses([{ file: 'tool', args: ['a'] }]);
  expect(() => processes.verify()).toThrow('call that never came: run ["tool","a"]');
  await processes.run('tool', ['a']);
  processes.verify();
});

test('calls out of order fail unless any order is allowed', async () => {
  const expected = [
    { file: 'tool', args: ['1'], result: { stdout: 'one' } },
    { file: 'tool', args: ['2'], result: { stdout: 'two' } },
  ];
  await expect(new FakeProcesses(expected).run('tool', ['2'])).rejects.toThrow('expected: run ["tool","1"]');
  const processes = new FakeProcesses(expected, { anyOrder: true });
  expect(await processes.run('tool', ['2'])).toEqual({ status: 0, stdout: 'two', stderr: '' });
});

test('input is compared when it is expected', async () => {
  const processes = new FakeProcesses([{ file: 'tool', args: [], input: 'a' }]);
  await expect(processes.run('tool', [], { input: 'b' })).rejects.toThrow('unexpected call');
  expect(await processes.run('tool', [], { input: 'a' })).toMatchObject({ status: 0 });
});
