import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { throwIfInterrupted } from '../../core/errors.js';
import type { MachineState } from '../../core/machine.js';
import { DISK_FILE } from './files.js';
import type { QemuPorts } from './ports.js';
import { askMonitor } from './qmp.js';
import { monitorOf, type Run, statusWord } from './run.js';
import { findLiveRun } from './running.js';
import type { QemuSettings } from './settings.js';

const ANSWER_MS = 2_000;

/** Writes nothing. A process that lives but does not answer in time counts as running: it may be busy with another client. */
export async function stateOfQemu(
  machine: DriverMachine,
  settings: QemuSettings,
  ports: QemuPorts,
  context: DriverContext,
): Promise<MachineState> {
  const live = await findLiveRun(machine.directory, ports, context.signal);
  if (live === undefined) return (await hasDisk(machine)) ? 'stopped' : 'missing';
  if (live.kind === 'starting') return 'starting';
  const state = await askState(machine, live.run, ports, context);
  // QEMU runs at other ports than the record has: its start was cut off before they were saved. A further start brings them.
  return state === 'running' && !isReachedAt(settings, live.run) ? 'starting' : state;
}

function isReachedAt(settings: QemuSettings, run: Run): boolean {
  if (run.sshPort === 0) return true; // the run's record cannot be read
  return settings.base.SSHPort === run.sshPort && settings.enginePort === run.enginePort;
}

async function askState(
  machine: DriverMachine,
  run: Run,
  ports: QemuPorts,
  context: DriverContext,
): Promise<MachineState> {
  try {
    const answer = await askMonitor(await monitorOf(machine.directory, run, ports), 'query-status', {
      clock: ports.clock,
      signal: context.signal,
      timeoutMs: ANSWER_MS,
    });
    return machineState(statusWord(answer));
  } catch {
    throwIfInterrupted(context.signal);
    return 'running';
  }
}

/** QEMU's RunState (qapi/run-state.json) as a state of the contract. */
export function machineState(status: string): MachineState {
  switch (status) {
    case 'running':
      return 'running';
    case 'paused':
    case 'suspended':
    case 'watchdog':
    // The disk of this computer is full or unwritable: the guest goes on after a start.
    case 'io-error':
      return 'paused';
    case 'prelaunch':
    case 'inmigrate':
    case 'restore-vm':
      return 'starting';
    case 'shutdown':
    case 'save-vm':
    case 'finish-migrate':
    case 'postmigrate':
      return 'stopping';
    case 'internal-error':
    case 'guest-panicked':
      return 'error';
    default:
      return 'unknown';
  }
}

async function hasDisk(machine: DriverMachine): Promise<boolean> {
  return access(join(machine.directory, DISK_FILE)).then(
    () => true,
    () => false,
  );
}
