import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { KNOWN_FAILURES, knownFailure } from '../../../src/drivers/virtualbox/known-failures.js';
import { adversaries } from '../../../src/drivers/virtualbox/start-log.js';
import { failedCall, recording } from '../../support/vboxmanage-recordings.js';
import { Bench } from './bench.js';

test.each([
  ['P12', '7.2-linux/startvm-no-hardware-virtualisation', 'VBOX_KERNEL_DRIVER'],
  ['P12', 'unknown-linux/startvm-vt-x-disabled', 'VBOX_VTX_DISABLED'],
  ['P12', 'unknown-linux/startvm-amd-v-disabled', 'VBOX_VTX_DISABLED'],
  ['P12', 'unknown-windows/startvm-vt-x-disabled', 'VBOX_VTX_DISABLED'],
  ['P12', 'unknown-windows/startvm-no-vt-x', 'VBOX_VTX_MISSING'],
  ['P12', 'unknown-linux/startvm-used-by-kvm', 'VBOX_VTX_IN_USE'],
  ['P13', 'unknown-windows/startvm-raw-mode-hyper-v', 'VBOX_HYPERV'],
  ['P13', '6.0-windows/startvm-hyper-v-partition', 'VBOX_HYPERV'],
  ['P13', '6.1-windows/startvm-hyper-v-handle', 'VBOX_HYPERV'],
  ['P14', '5.0-windows/hostonlyif-create-unspecified', 'VBOX_HOSTONLY_CREATE'],
  ['P14', '5.1-windows/hostonlyif-create-assertion', 'VBOX_HOSTONLY_CREATE'],
  ['P14', '5.1-windows/hostonlyif-create-no-instance-id', 'VBOX_HOSTONLY_CREATE'],
  ['P14', '6.0-windows/startvm-adapter-not-found', 'VBOX_HOSTONLY_CREATE'],
  ['P14', 'unknown-linux/startvm-adapter-not-found', 'VBOX_HOSTONLY_CREATE'],
  ['P14', '7.2-linux/startvm-no-network-module', 'VBOX_HOSTONLY_CREATE'],
  ['P16', '7.0-macos/hostonlyif-create-no-module', 'VBOX_NETCTL'],
  ['P16', 'unknown-linux/hostonlyif-create-wrong-ioctl', 'VBOX_NETCTL'],
  ['P16', '7.0-macos/startvm-adapters-not-supported', 'VBOX_HOSTONLY_UNSUPPORTED'],
  ['P15', '7.2-linux/hostonlyif-ipconfig-denied', 'VBOX_RANGE_DENIED'],
  ['P15', '6.1-linux/hostonlyif-ipconfig-denied', 'VBOX_RANGE_DENIED'],
  ['P15', '6.1-macos/hostonlyif-ipconfig-denied', 'VBOX_RANGE_DENIED'],
  ['P18', '7.2-linux/modifyvm-locked', 'VBOX_LOCKED'],
  ['P18', '7.2-linux/startvm-running', 'VBOX_LOCKED'],
  ['P18', '7.2-linux/unregistervm-locked', 'VBOX_LOCKED'],
  ['P18', '7.2-linux/modifyvm-saved', 'VBOX_SAVED_STATE'],
  ['P28', '7.2-linux/storageattach-uuid-exists', 'VBOX_DISK_REGISTERED'],
  ['P28', 'unknown-windows/createhd-registered', 'VBOX_DISK_REGISTERED'],
  ['P28', '7.2-linux/createvm-settings-exist', 'VBOX_VM_EXISTS'],
  ['P28', '7.2-linux/showvminfo-unknown', 'VBOX_UNKNOWN_VM'],
  ['P28', '7.2-linux/startvm-image-missing', 'VBOX_IMAGE'],
  ['P28', '7.2-linux/storageattach-no-disk', 'VBOX_DISK_BROKEN'],
  ['P28', '7.2-linux/convertfromraw-disk-full', 'VBOX_STORE_FULL'],
  ['P10', '5.2-windows/startvm-hardening', 'VBOX_TERMINATED'],
  ['P10', '7.1-windows/startvm-hardening', 'VBOX_TERMINATED'],
  ['P14', 'unknown-windows/list-hostonlyifs-no-server', 'VBOX_SERVER_GONE'],
])('%s: what VirtualBox said in %s is recognised', (_pain, name, code) => {
  const { stdout, stderr } = recording(name);
  expect(knownFailure(`${stdout}\n${stderr}`)?.code).toBe(code);
});

test('every known failure says what, why and what next, in one line each', () => {
  for (const { what, why, nextSteps } of KNOWN_FAILURES) {
    expect(nextSteps.length).toBeGreaterThan(0);
    for (const line of [what, why, ...nextSteps]) expect(line).toMatch(/^[^\n]+[^.\n]$/);
  }
  expect(new Set(KNOWN_FAILURES.map(({ code }) => code)).size).toBe(KNOWN_FAILURES.length);
});

test('where a failure can only be elsewhere, it is not recognised', () => {
  const { stderr } = recording('unknown-windows/startvm-raw-mode-hyper-v');
  expect(knownFailure(stderr, 'linux')).toBeUndefined();
});

test.each([
  [
    'hardening-adversary',
    /VirtualBox names: Sophos Endpoint Defense \(SophosED\.sys\)\. Details: the last line$/,
  ],
  ['hardening-purification', /libraries of other programs inside it.*Details: the last line$/],
])('P10: a start that a protection program broke says so: %s', async (log, reason) => {
  const bench = await Bench.open({ facts: { platform: 'win32' }, flags: { 'virtualbox-network': 'nat' } });
  try {
    await bench.create();
    const logs = join(bench.machine.directory, 'dev', 'Logs');
    await mkdir(logs, { recursive: true });
    await writeFile(join(logs, 'VBoxHardening.log'), fixtureLog(log));
    await writeFile(join(logs, 'VBox.log'), 'VirtualBox VM 5.0.10\nthe last line\n');
    bench.box.inject(/^startvm/, failedCall('5.2-windows/startvm-hardening'));
    await expect(bench.start()).rejects.toMatchObject({
      code: 'VBOX_HARDENING',
      message: 'Unable to start the VM: A protection program breaks VirtualBox',
      reason: expect.stringMatching(reason),
    });
  } finally {
    await bench.remove();
  }
});

function fixtureLog(name: string): string {
  const file = new URL(`../../fixtures/virtualbox-logs/${name}.txt`, import.meta.url);
  const [origin = '', ...lines] = readFileSync(file, 'utf8').split('\n');
  expect(origin).toMatch(/^# origin: quoted: https:/);
  return lines.join('\n');
}

test('P10: a hardening log without known troublemakers names nothing', () => {
  expect(adversaries('700.3c1c: supR3HardenedWinFindAdversaries: 0x0\n700.3c1c: more\n')).toEqual([]);
  expect(adversaries('')).toEqual([]);
});

test('P12: a start that VBox.log explains is told by it', async () => {
  const bench = await Bench.open();
  try {
    await bench.create();
    const logs = join(bench.machine.directory, 'dev', 'Logs');
    await mkdir(logs, { recursive: true });
    await writeFile(join(logs, 'VBox.log'), '00:00:01 VMSetError: VT-x is disabled in the BIOS\n');
    bench.box.inject(/^startvm/, failedCall('7.2-linux/startvm-no-kernel-module'));
    await expect(bench.start()).rejects.toMatchObject({ code: 'VBOX_VTX_DISABLED' });
  } finally {
    await bench.remove();
  }
});

test('P12: a machine that starts without the processor\u2019s help is found out by its log, unless that check is off', async () => {
  for (const skip of [false, true]) {
    const bench = await Bench.open({ flags: { 'virtualbox-no-vtx-check': skip } });
    try {
      await bench.create();
      const logs = join(bench.machine.directory, 'dev', 'Logs');
      await mkdir(logs, { recursive: true });
      await writeFile(join(logs, 'VBox.log'), 'HM: the host CPU does NOT support HW virtualization\n');
      const starting = bench.start();
      if (skip) await starting;
      else {
        await expect(starting).rejects.toMatchObject({
          verbatim: true,
          message: "This computer doesn't have VT-X/AMD-v enabled. Enabling it in the BIOS is mandatory",
          nextSteps: expect.arrayContaining([expect.stringMatching(/--driver qemu NAME$/)]),
        });
      }
    } finally {
      await bench.remove();
    }
  }
});
