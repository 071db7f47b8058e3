import { expect, test } from '@jest/globals';
import { machineState } from '../../../src/drivers/qemu/state.js';

// All of QEMU's RunState (qapi/run-state.json, QEMU 7.2).
test.each([
  ['debug', 'unknown'],
  ['finish-migrate', 'stopping'],
  ['inmigrate', 'starting'],
  ['internal-error', 'error'],
  ['io-error', 'paused'],
  ['paused', 'paused'],
  ['postmigrate', 'stopping'],
  ['prelaunch', 'starting'],
  ['restore-vm', 'starting'],
  ['running', 'running'],
  ['save-vm', 'stopping'],
  ['shutdown', 'stopping'],
  ['suspended', 'paused'],
  ['watchdog', 'paused'],
  ['guest-panicked', 'error'],
  ['colo', 'unknown'],
  ['', 'unknown'],
])('QEMU\u2019s "%s" is %s', (status, state) => {
  expect(machineState(status)).toBe(state);
});
