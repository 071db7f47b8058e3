import { join } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { TimedOutError, type TmachineError, WrongStateError } from '../../core/errors.js';
import { waitUntil } from '../../core/wait.js';
import { readConsoleSince, readConsoleTail, sizeOfConsole } from './console.js';
import { CONSOLE_FILE } from './disk.js';
import type { VirtualBoxSettings } from './settings.js';
import {
  findVirtualMachine,
  machineMissing,
  machineState,
  readVirtualMachine,
  type Tools,
  type VirtualMachine,
} from './virtual-machine.js';

/** A guest that is still booting does not hear the button, so it is pressed again. */
const PRESS_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 500;
/** Containers get 10 s each to end by Docker's own rule; a guest without a sign of life for so long does not come to it. */
const QUIET_MS = 120_000;
/** A guest that goes on writing to its console while it ends gets more. */
const PATIENCE_MS = 600_000;
const POWER_OFF_MS = 60_000;
const SETTLE_MS = 120_000;
/** What our guest writes when it has heard the button. */
const HEARD = 'tmachine-guest: shutdown';

/**
 * Presses the power button until the machine is off; a paused one goes on first, to hear it. Throws TimedOutError with what was seen and the way to force
 * it, WrongStateError for a saved or crashed machine, VM_MISSING.
 */
export async function shutDown(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const found = await settled(machine, settings, tools, context);
  switch (machineState(found.word)) {
    case 'stopped':
      return;
    case 'saved':
      throw new WrongStateError({
        code: 'VBOX_SAVED_STATE',
        message: `Machine "${machine.name}" cannot be asked to stop: its state is saved`,
        reason: 'it was saved in the VirtualBox window, or when the computer was shut down, and does not run',
        nextSteps: [
          `let it go on where it was, then stop it: tmachine start ${machine.name}`,
          `or drop what it had in memory: tmachine kill ${machine.name}`,
        ],
      });
    case 'error':
      throw crashed(machine);
    case 'paused':
      await resume(found.uuid, tools, context);
      break;
    default:
      break;
  }
  await pressUntilOff(machine, settings, found.uuid, tools, context);
}

/** Pulls the plug; of a saved machine the saved state is dropped. */
export async function kill(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const found = await findVirtualMachine(machine, settings, tools, context);
  if (found === undefined) throw machineMissing(machine);
  switch (machineState(found.word)) {
    case 'stopped':
      return;
    case 'saved':
      await tools.vbox.run(
        { args: ['discardstate', found.uuid], purpose: 'dropping the saved state of the machine' },
        context,
      );
      return;
    default:
      await powerOff(found.uuid, tools, context);
  }
}

/** Lets a paused machine go on. */
export async function resume(
  uuid: string,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<void> {
  context.reporter.step('Resuming VM ...');
  await vbox.run({ args: ['controlvm', uuid, 'resume'], purpose: 'resuming the machine' }, context);
}

/** Ends the machine at once and waits until VirtualBox has let go of it. */
export async function powerOff(uuid: string, tools: Tools, context: DriverContext): Promise<void> {
  const { vbox, ports } = tools;
  const call = {
    args: ['controlvm', uuid, 'poweroff'],
    purpose: 'switching the machine off',
    timeoutMs: POWER_OFF_MS,
  };
  const answer = await vbox.attempt(call, context);
  // One that ended by itself in this moment is off, too.
  if (!answer.ok && !/is not currently running/.test(answer.error.output)) throw answer.error;
  const args = ['showvminfo', uuid, '--machinereadable'];
  await waitUntil(
    'the machine to be off',
    async () => {
      const info = await vbox.run(
        { args, purpose: 'asking for the state of the machine', isQuestion: true },
        context,
      );
      const { word } = readVirtualMachine(info);
      const state = machineState(word);
      return state === 'stopped' || state === 'saved'
        ? { done: true, value: undefined }
        : { done: false, seen: word };
    },
    { everyMs: LOOK_EVERY_MS, withinMs: POWER_OFF_MS, clock: ports.clock, signal: context.signal },
  );
}

/** The machine once it is not between two states any more. Throws VM_MISSING, TimedOutError. */
export async function settled(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<VirtualMachine> {
  return waitUntil(
    `machine "${machine.name}" to finish what it is doing`,
    async () => {
      const found = await findVirtualMachine(machine, settings, tools, context);
      if (found === undefined) throw machineMissing(machine);
      const state = machineState(found.word);
      return state === 'starting' || state === 'stopping'
        ? { done: false, seen: found.word }
        : { done: true, value: found };
    },
    { everyMs: LOOK_EVERY_MS, withinMs: SETTLE_MS, clock: tools.ports.clock, signal: context.signal },
  );
}

/** VirtualBox itself gave the machine up ("guru meditation"). */
export function crashed(machine: DriverMachine): TmachineError {
  return new WrongStateError({
    code: 'VBOX_CRASHED',
    message: `Machine "${machine.name}" has crashed`,
    reason: 'VirtualBox stopped it with a "guru meditation"; it can only be switched off',
    nextSteps: [
      `switch it off: tmachine kill ${machine.name}`,
      `then start it again: tmachine start ${machine.name}`,
    ],
  });
}

async function pressUntilOff(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  uuid: string,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const { vbox, ports } = tools;
  const console = join(machine.directory, CONSOLE_FILE);
  const begunAtByte = await sizeOfConsole(console);
  let pressedAt = Number.NEGATIVE_INFINITY;
  let hasHeard = false;
  try {
    await waitUntil(
      `machine "${machine.name}" to shut down`,
      async () => {
        hasHeard ||= (await readConsoleSince(console, begunAtByte)).includes(HEARD);
        if (!hasHeard && ports.clock.monotonic() - pressedAt >= PRESS_EVERY_MS) {
          const call = { args: ['controlvm', uuid, 'acpipowerbutton'], purpose: 'pressing the power button' };
          await vbox.attempt(call, context); // a machine that has just ended hears no button: its state tells
          pressedAt = ports.clock.monotonic();
        }
        const found = await findVirtualMachine(machine, { ...settings, uuid }, tools, context);
        if (found === undefined) return { done: true, value: undefined };
        const state = machineState(found.word);
        if (state === 'error') throw crashed(machine);
        if (state === 'stopped' || state === 'saved') return { done: true, value: undefined };
        return {
          done: false,
          seen: `${found.word}; console: ${(await readConsoleTail(console, 1)) || 'nothing'}`,
        };
      },
      {
        everyMs: LOOK_EVERY_MS,
        withinMs: PATIENCE_MS,
        quietMs: QUIET_MS,
        clock: ports.clock,
        signal: context.signal,
      },
    );
  } catch (error) {
    if (!(error instanceof TimedOutError)) throw error;
    throw new TimedOutError({
      code: 'VBOX_STOP_TIMEOUT',
      message: error.message,
      reason: `the guest was asked to shut down and is still there; last seen: ${error.lastSeen}`,
      nextSteps: [`pull its plug with: tmachine kill ${machine.name}`],
      lastSeen: error.lastSeen,
    });
  }
}
