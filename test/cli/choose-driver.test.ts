import { expect, test } from '@jest/globals';
import { chooseDriver } from '../../src/cli/choose-driver.js';
import { FakeProcesses } from '../support/fake-processes.js';

test('a create that names no driver gets qemu, and the reason in one line', async () => {
  const without = await chooseDriver(new FakeProcesses([], { programs: {} }));
  expect(without).toEqual({
    name: 'qemu',
    reason: 'No driver was named and VirtualBox is not installed: using "qemu".',
  });
  const beside = await chooseDriver(
    new FakeProcesses([], { programs: { VBoxManage: '/usr/bin/VBoxManage' } }),
  );
  expect(beside.name).toBe('qemu');
  expect(beside.reason).toContain('does not drive VirtualBox');
});
