import { stat } from 'node:fs/promises';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { TimedOutError, TmachineError, throwIfInterrupted } from '../../core/errors.js';
import { waitUntil } from '../../core/wait.js';
import { readConsoleSince, readConsoleTail } from './console.js';
import { runFiles } from './files.js';
import type { QemuPorts } from './ports.js';
import { askMonitor, type MonitorCommand, MonitorError } from './qmp.js';
import { discardRun, monitorOf, type Run } from './run.js';
import { findRuns, isLive, type RunFate, settledRun, waitForEnd, waitForRelease } from './running.js';
import { wakeUp } from './start.js';

type LiveRun = Extract<RunFate, { kind: 'alive' }>;

/** A guest that is still booting does not hear the button, so it is pressed again. */
const PRESS_EVERY_MS = 2_000;
/** Containers get 10 s each to end by Docker's own rule; a guest without a sign of life for so long does not come to it. */
const QUIET_MS = 120_000;
/** A guest that goes on writing to its console while it ends gets more. */
const PATIENCE_MS = 600_000;
/** What our guest writes when it has heard the button. */
const HEARD = 'tmachine-guest: shutdown';

/** Presses the power button until QEMU has ended. Throws TimedOutError with the way to force it. */
export async function shutDownQemu(
  machine: DriverMachine,
  ports: QemuPorts,
  context: DriverContext,
): Promise<void> {
  const { directory } = machine;
  const live = await settledRun(directory, ports, context.signal);
  if (live !== undefined) {
    await wakeUp(directory, live.run, ports, context);
    await pressUntilEnd(machine, live, ports, context);
    await waitForRelease(live.run, ports, context.signal);
  }
  await clearEnded(directory, ports, context.signal);
}

async function pressUntilEnd(
  machine: DriverMachine,
  live: LiveRun,
  ports: QemuPorts,
  context: DriverContext,
): Promise<void> {
  const { run } = live;
  const console = runFiles(machine.directory, run.id).console;
  const begunAtByte = await sizeOf(console);
  let pressedAt = Number.NEGATIVE_INFINITY;
  let hasHeard = false;
  try {
    await waitUntil(
      `machine "${machine.name}" to shut down`,
      async () => {
        if (!(await isLive(live, machine.directory, ports, context.signal))) {
          return { done: true, value: undefined };
        }
        hasHeard ||= (await readConsoleSince(console, begunAtByte)).includes(HEARD);
        if (!hasHeard && ports.clock.monotonic() - pressedAt >= PRESS_EVERY_MS) {
          await tell(machine.directory, run, 'system_powerdown', ports, context.signal);
          pressedAt = ports.clock.monotonic();
        }
        return { done: false, seen: (await readConsoleTail(console, 1)) || 'nothing' };
      },
      {
        everyMs: 100,
        withinMs: PATIENCE_MS,
        quietMs: QUIET_MS,
        clock: ports.clock,
        signal: context.signal,
      },
    );
  } catch (error) {
    if (!(error instanceof TimedOutError)) throw error;
    throw new TimedOutError({
      code: 'QEMU_STOP_TIMEOUT',
      message: error.message,
      reason: `the guest was asked to shut down and is still running; its console shows: ${error.lastSeen}`,
      nextSteps: [`pull its plug with: tmachine kill ${machine.name}`],
      lastSeen: error.lastSeen,
    });
  }
}

/** Ends QEMU at once and waits until it is really gone. Throws TmachineError when the process resists even that. */
export async function killQemu(
  machine: DriverMachine,
  ports: QemuPorts,
  context: DriverContext,
): Promise<void> {
  const { directory } = machine;
  await settledRun(directory, ports, context.signal);
  for (const fate of await findRuns(directory, ports, context.signal)) {
    if (fate.kind !== 'alive') continue;
    await endProcess(machine, fate, ports, context);
    await waitForRelease(fate.run, ports, context.signal);
  }
  await clearEnded(directory, ports, context.signal);
}

async function endProcess(
  machine: DriverMachine,
  live: LiveRun,
  ports: QemuPorts,
  context: DriverContext,
): Promise<void> {
  const { signal } = context;
  const { run, process } = live;
  // `quit` lets QEMU write out what it holds of the disk; a QEMU that does not listen is not waited for.
  if (await tell(machine.directory, run, 'quit', ports, signal)) {
    if (await waitForEnd(live, machine.directory, ports, { withinMs: 5_000, signal })) return;
  }
  await ports.processTable.signal(process, 'SIGKILL');
  if (await waitForEnd(live, machine.directory, ports, { withinMs: 30_000, signal })) return;
  throw new TmachineError({
    code: 'QEMU_UNKILLABLE',
    message: `The QEMU of machine "${machine.name}" does not end (process ${process.pid})`,
    reason: 'it was killed and is still there: the system holds it, often for a disk that does not answer',
    nextSteps: ['look at the disk that holds the machine; a reboot ends the process for sure'],
  });
}

/** Sends a command; false when QEMU did not take it. */
async function tell(
  directory: string,
  run: Run,
  command: MonitorCommand,
  ports: QemuPorts,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const monitor = await monitorOf(directory, run, ports);
    await askMonitor(monitor, command, { clock: ports.clock, signal, timeoutMs: 3_000 });
    return true;
  } catch (error) {
    throwIfInterrupted(signal);
    if (error instanceof MonitorError) return false;
    throw error;
  }
}

async function clearEnded(directory: string, ports: QemuPorts, signal: AbortSignal): Promise<void> {
  for (const fate of await findRuns(directory, ports, signal)) {
    if (fate.kind === 'ended') await discardRun(directory, fate.run.id);
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0, // no console, nothing on it
  );
}
