import { expect, test } from '@jest/globals';
import { KNOWN_FAILURES, recogniseFailure, startError } from '../../../src/drivers/qemu/known-failures.js';
import { qemuFixture } from '../../support/qemu-fixture.js';

const PLACE = {
  machineName: 'dev',
  directory: "/store/machines/d'ev",
  platform: 'linux',
  memoryMb: 2048,
} as const;

test.each([
  ['port-taken', 'QEMU_PORT_TAKEN', 'other-ports'],
  ['monitor-port-taken', 'QEMU_MONITOR_PORT_TAKEN', 'other-ports'],
  ['monitor-socket-refused', 'QEMU_MONITOR_SOCKET', 'other-control-connection'],
  ['monitor-socket-no-directory', 'QEMU_MONITOR_SOCKET', 'other-control-connection'],
  ['disk-locked', 'QEMU_DISK_IN_USE', 'join-other-start'],
  ['disk-missing', 'QEMU_DISK_MISSING', 'none'],
  ['disk-broken', 'QEMU_DISK_BROKEN', 'none'],
  ['disk-denied', 'QEMU_FILE_DENIED', 'none'],
  ['image-missing', 'QEMU_IMAGE_MISSING', 'none'],
  ['store-denied', 'QEMU_FILE_DENIED', 'none'],
  ['store-full', 'QEMU_STORE_FULL', 'none'],
  ['memory', 'QEMU_MEMORY', 'none'],
  ['processors-too-many', 'QEMU_PROCESSORS', 'none'],
  ['kvm-denied', 'QEMU_KVM_DENIED', 'other-accelerator'],
  ['kvm-absent', 'QEMU_ACCELERATOR', 'other-accelerator'],
  ['kvm-breaks', 'QEMU_ACCELERATOR', 'other-accelerator'],
  ['accelerator-unknown', 'QEMU_ACCELERATOR', 'other-accelerator'],
  ['device-unknown', 'QEMU_INCOMPLETE', 'none'],
  ['firmware-missing', 'QEMU_INCOMPLETE', 'none'],
  ['option-unknown', 'QEMU_TOO_OLD', 'none'],
])('what QEMU says of %s is recognised', (fixture, code, remedy) => {
  expect(recogniseFailure(qemuFixture(fixture))).toMatchObject({ code, remedy });
});

test('every known failure has a way on', () => {
  for (const failure of KNOWN_FAILURES) {
    expect(failure.nextSteps(PLACE).length).toBeGreaterThan(0);
  }
});

test('the error says what happened, why in words and in those of QEMU, and what to do', () => {
  const error = startError(qemuFixture('memory'), PLACE);
  expect(error.message).toBe('Cannot start machine "dev": this computer has not enough free memory');
  expect(error.reason).toBe(
    "QEMU could not get the memory of the machine (qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory)",
  );
  expect(error.nextSteps).toEqual([
    'close other programs or stop other machines, then start it again',
    'or make it anew with less than 2048 MB:  tmachine create --qemu-memory MB ...',
  ]);
  expect(error.exitCode).toBe(1);
});

test.each([
  ['qemu: something new\n', 'qemu: something new'],
  ['', 'it said nothing'],
])('an unknown failure is told in the words of QEMU: %j', (output, reason) => {
  const error = startError(output, PLACE);
  expect(error.message).toBe('Cannot start machine "dev": QEMU ended at once');
  expect(error.reason).toBe(reason);
});
