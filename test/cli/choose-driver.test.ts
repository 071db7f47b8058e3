import { expect, test } from '@jest/globals';
import { type ChoiceRequest, chooseDriver } from '../../src/cli/choose-driver.js';
import type { Driver, Finding, FlagValues, TellsUsability } from '../../src/core/driver.js';
import { createVirtualBoxDriver } from '../../src/drivers/virtualbox/driver.js';
import { context } from '../contract/driver-contract.js';
import { FakeDriver } from '../support/fake-driver.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { testPorts } from '../support/virtualbox-ports.js';

const NO_VIRTUALBOX: Finding = {
  severity: 'refuse',
  code: 'VBOX_NOT_FOUND',
  message: 'VBoxManage not found',
  reason: 'there is no program VBoxManage on PATH',
  nextSteps: ['install VirtualBox', 'or use another hypervisor:  tmachine create --driver qemu NAME'],
};
const NO_QEMU: Finding = {
  severity: 'refuse',
  code: 'QEMU_NOT_FOUND',
  message: 'QEMU not found',
  nextSteps: ['install it with: apt-get install qemu'],
};

function request(
  answers: Readonly<Record<string, Finding | undefined>>,
  flags: FlagValues = {},
): ChoiceRequest {
  const judging = (name: string): Driver & TellsUsability =>
    Object.assign(new FakeDriver({ name }), { whyNotUsable: async () => answers[name] });
  return { flags, driver: judging, context: context() };
}

test('a create that names no driver gets virtualbox where it is usable, without a word', async () => {
  expect(await chooseDriver(request({ qemu: NO_QEMU }))).toMatchObject({ name: 'virtualbox', isUsual: true });
});

test('a create that names no driver gets qemu where VirtualBox is not usable, and the reason in one line', async () => {
  expect(await chooseDriver(request({ virtualbox: NO_VIRTUALBOX }))).toEqual({
    name: 'qemu',
    reason:
      'No driver was named and VirtualBox is not usable (there is no program VBoxManage on PATH): using "qemu".',
  });
});

test('where neither is usable the error names both ways, exit 3', async () => {
  await expect(chooseDriver(request({ virtualbox: NO_VIRTUALBOX, qemu: NO_QEMU }))).rejects.toMatchObject({
    code: 'NO_DRIVER',
    exitCode: 3,
    reason: 'VirtualBox: there is no program VBoxManage on PATH; QEMU: QEMU not found',
    nextSteps: [
      'install VirtualBox',
      'QEMU: install it with: apt-get install qemu',
      expect.stringContaining('--driver generic'),
    ],
  });
});

const CPU = 'flags\t\t: fpu lm hypervisor\n';
test.each<[string, FlagValues, Record<string, string>, string | undefined]>([
  ['all is there', {}, { '/proc/modules': 'vboxdrv 1 0 - Live 0x0\n' }, undefined],
  ['no kernel driver', {}, { '/proc/modules': 'ext4 1 0 - Live 0x0\n' }, 'VBOX_KERNEL_DRIVER'],
  ['no hardware virtualization', {}, { '/proc/modules': 'vboxdrv 1', '/proc/cpuinfo': CPU }, 'VBOX_NESTED'],
  [
    'neither, and the check is skipped',
    { 'virtualbox-no-vtx-check': true },
    { '/proc/modules': '', '/proc/cpuinfo': CPU },
    undefined,
  ],
])('P12: VirtualBox is usable or not: %s', async (_what, flags, systemFiles, code) => {
  const processes = new FakeProcesses(
    [{ file: '/usr/bin/VBoxManage', args: ['--version'], result: { stdout: '7.2.22r1\n' } }],
    { programs: { VBoxManage: '/usr/bin/VBoxManage' } },
  );
  const driver = createVirtualBoxDriver(testPorts({ processes, systemFiles }));
  expect((await driver.whyNotUsable(flags, context()))?.code).toBe(code);
  processes.verify();
});
