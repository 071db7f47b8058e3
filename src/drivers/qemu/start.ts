import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { messageOf, StoreError, TimedOutError, TmachineError, ToolError } from '../../core/errors.js';
import { missingMachine } from '../../core/missing-machine.js';
import type { ProcessIdentity } from '../../core/ports.js';
import { systemErrorCode } from '../../core/system-error.js';
import { waitUntil } from '../../core/wait.js';
import { chooseAccelerator } from './accelerator.js';
import { qemuArguments } from './argv.js';
import { DISK_FILE, runFiles } from './files.js';
import { choosePorts, type MachinePorts } from './host-ports.js';
import { recogniseFailure, startError } from './known-failures.js';
import type { QemuPorts } from './ports.js';
import { askMonitor, MonitorError } from './qmp.js';
import { discardRun, KEY_FILE, keyFileText, monitorOf, type Run, saveRun, statusWord } from './run.js';
import { findRuns, settledRun, waitForEnd } from './running.js';
import { type QemuSettings, withPorts } from './settings.js';
import { type Accelerator, findToolkit, randomId, remember, type Toolkit } from './toolkit.js';

/** QEMU's own start, without the guest's: a tenth of a second, seconds on a computer that swaps. */
const LAUNCH_LIMIT_MS = 60_000;
const ANSWER_MS = 2_000;
const MOST_ATTEMPTS = 6;
const LOCK_PAUSE_MS = 500;

/** What the next attempt does otherwise than the last one. */
interface Attempt {
  readonly accelerator: Accelerator;
  readonly hasSocket: boolean;
}

type Outcome =
  | { readonly kind: 'up'; readonly ports: MachinePorts }
  | { readonly kind: 'ended'; readonly output: string };

/**
 * Boots the machine, or joins the QEMU that runs it already. Returns the settings with the ports it is reached at. Throws TmachineError
 * with what QEMU said, HostNotReadyError without QEMU.
 */
export async function startQemu(
  machine: DriverMachine,
  settings: QemuSettings,
  ports: QemuPorts,
  context: DriverContext,
): Promise<QemuSettings> {
  const joined = await joinRunning(machine, settings, ports, context);
  if (joined !== undefined) return joined;
  await assertDiskIsThere(machine);
  const toolkit = await findToolkit(ports, context.signal);
  const { accelerator } = await chooseAccelerator(settings.accelerator, toolkit, ports, context);

  let attempt: Attempt = { accelerator, hasSocket: ports.facts.platform !== 'win32' };
  let here = settings;
  for (let count = 1; ; count += 1) {
    here = withPorts(here, await choosePorts(here, ports, context, machine.name));
    const outcome = await launchOnce(machine, here, attempt, toolkit, ports, context);
    if (outcome.kind === 'up') return here;
    const next = await afterFailure(outcome.output, attempt, settings, toolkit, ports, context);
    if (next === 'join') {
      const other = await joinRunning(machine, settings, ports, context);
      if (other !== undefined) return other;
      // Perhaps a QEMU that was killed a moment ago: the system lets go of its files last.
      await ports.clock.sleep(LOCK_PAUSE_MS, context.signal);
    }
    if (next === 'none' || count === MOST_ATTEMPTS) {
      throw startError(outcome.output, {
        machineName: machine.name,
        directory: machine.directory,
        platform: ports.facts.platform,
        memoryMb: settings.memoryMb,
      });
    }
    if (next !== 'join') attempt = next;
  }
}

/** The settings of a QEMU that runs already, woken when it is paused. Clears away what ended ones left. */
async function joinRunning(
  machine: DriverMachine,
  settings: QemuSettings,
  ports: QemuPorts,
  context: DriverContext,
): Promise<QemuSettings | undefined> {
  const live = await settledRun(machine.directory, ports, context.signal);
  for (const fate of await findRuns(machine.directory, ports, context.signal)) {
    if (fate.kind === 'ended') await discardRun(machine.directory, fate.run.id);
  }
  if (live === undefined) return undefined;
  await wakeUp(machine.directory, live.run, ports, context);
  // A record that cannot be read has no ports; those of the settings are the best guess then.
  return live.run.sshPort === 0 ? settings : withPorts(settings, live.run);
}

/** A paused guest goes on. QEMU pauses one by itself when the disk of this computer is full. */
export async function wakeUp(
  directory: string,
  run: Run,
  ports: QemuPorts,
  context: DriverContext,
): Promise<void> {
  const monitor = await monitorOf(directory, run, ports);
  const options = { clock: ports.clock, signal: context.signal, timeoutMs: ANSWER_MS };
  try {
    const status = statusWord(await askMonitor(monitor, 'query-status', options));
    if (status !== 'paused' && status !== 'io-error') return;
    if (status === 'io-error') {
      context.reporter.warn('The machine was paused because its disk could not be written, going on...');
    }
    await askMonitor(monitor, 'cont', options);
  } catch (error) {
    // A QEMU that is busy or about to end is looked at again by whoever waits for the guest.
    if (!(error instanceof MonitorError)) throw error;
  }
}

async function assertDiskIsThere(machine: DriverMachine): Promise<void> {
  try {
    await access(join(machine.directory, DISK_FILE));
  } catch (error) {
    throw missingMachine(machine.name, { what: `its disk ${DISK_FILE}`, cause: error });
  }
}

/** What to do about a QEMU that gave up: another attempt, another start of the same machine, or nothing. */
async function afterFailure(
  output: string,
  attempt: Attempt,
  settings: QemuSettings,
  toolkit: Toolkit,
  ports: QemuPorts,
  context: DriverContext,
): Promise<Attempt | 'join' | 'none'> {
  context.reporter.debug(`QEMU ended: ${output.trim()}`);
  switch (recogniseFailure(output)?.remedy ?? 'none') {
    case 'other-ports':
      return attempt; // they are chosen anew before each attempt, and one that was asked for is refused there
    case 'other-control-connection':
      return attempt.hasSocket ? { ...attempt, hasSocket: false } : 'none';
    case 'join-other-start':
      return 'join';
    case 'other-accelerator': {
      const { accelerator } = attempt;
      if (settings.accelerator !== 'auto' || accelerator === 'tcg') return 'none';
      context.reporter.warn(`${accelerator} does not work here any more, going on without it (slower)...`);
      const trial = { isUsable: false, evidence: output.trim().split('\n').at(-1) ?? '' };
      await remember({ ...toolkit, trials: { ...toolkit.trials, [accelerator]: trial } }, ports);
      return { ...attempt, accelerator: 'tcg' };
    }
    case 'none':
      return 'none';
  }
}

/** One QEMU: recorded before it is started, and up when it answers. */
async function launchOnce(
  machine: DriverMachine,
  settings: QemuSettings,
  attempt: Attempt,
  toolkit: Toolkit,
  ports: QemuPorts,
  context: DriverContext,
): Promise<Outcome> {
  const { directory } = machine;
  const run: Run = {
    id: randomId(ports.random),
    sshPort: settings.base.SSHPort,
    enginePort: settings.enginePort,
    monitorPort: attempt.hasSocket ? 0 : await ports.loopback.free(),
    launcher: await ports.processTable.self(),
    begunAt: ports.clock.now(),
  };
  const files = runFiles(directory, run.id);
  let process: ProcessIdentity;
  try {
    await saveRun(directory, run, ports);
    await writeFile(files.console, '', { mode: 0o600, flag: 'wx' });
    if (run.monitorPort !== 0) await makeMonitorKey(files.keys, ports);
    const args = qemuArguments({
      machineName: machine.name,
      runId: run.id,
      memoryMb: settings.memoryMb,
      cpuCount: settings.cpuCount === -1 ? ports.facts.cpuCount : settings.cpuCount,
      accelerator: attempt.accelerator,
      toolkit,
      hostArch: ports.facts.arch,
      ...{ sshPort: run.sshPort, enginePort: run.enginePort, monitorPort: run.monitorPort },
    });
    process = await ports.processes.launch(toolkit.path, args, {
      cwd: directory,
      outputPath: files.output,
    });
  } catch (error) {
    await discardRun(directory, run.id);
    // It gave up before it could even be looked at; without a word from it, it was never started.
    const hasRun = error instanceof ToolError && (error.status !== undefined || error.stderr !== '');
    if (hasRun) return { kind: 'ended', output: error.stderr };
    throw writeFailure(error, directory);
  }
  await saveRun(directory, { ...run, process }, ports).catch(() => {}); // QEMU's own pid file says the same
  return awaitAnswer(machine, run, process, ports, context);
}

async function makeMonitorKey(directory: string, ports: QemuPorts): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  await writeFile(join(directory, KEY_FILE), keyFileText(ports.random.bytes(32)), { mode: 0o600 });
}

/** A full or foreign disk is the store's failure, not a bug. */
function writeFailure(error: unknown, directory: string): unknown {
  if (error instanceof TmachineError || systemErrorCode(error) === undefined) return error;
  return new StoreError({
    code: 'STORE_WRITE',
    message: `Could not write to ${directory}`,
    reason: messageOf(error),
    nextSteps: ["look at the free space and the owner of the machine's directory"],
    cause: error,
  });
}

async function awaitAnswer(
  machine: DriverMachine,
  run: Run,
  process: ProcessIdentity,
  ports: QemuPorts,
  context: DriverContext,
): Promise<Outcome> {
  const { directory } = machine;
  const monitor = await monitorOf(directory, run, ports);
  const { clock } = ports;
  const { signal } = context;
  try {
    return await waitUntil<Outcome>(
      'QEMU to answer on its control connection',
      async () => {
        try {
          await askMonitor(monitor, 'query-status', { clock, signal, timeoutMs: ANSWER_MS });
          return { done: true, value: { kind: 'up', ports: run } };
        } catch (error) {
          if (!(error instanceof MonitorError)) throw error;
          if (await ports.processTable.isAlive(process)) return { done: false, seen: error.reason ?? '' };
        }
        const output = await readFile(runFiles(directory, run.id).output, 'utf8').catch(() => '');
        await discardRun(directory, run.id);
        return { done: true, value: { kind: 'ended', output } };
      },
      { everyMs: 25, withinMs: LAUNCH_LIMIT_MS, clock, signal },
    );
  } catch (error) {
    if (!(error instanceof TimedOutError)) throw error;
    await ports.processTable.signal(process, 'SIGKILL');
    await waitForEnd({ run, process }, directory, ports, { withinMs: 10_000, signal });
    await discardRun(directory, run.id);
    throw new TimedOutError({
      code: 'QEMU_SILENT',
      message: `Cannot start machine "${machine.name}": QEMU runs but does not answer`,
      reason: `nothing came over its control connection within ${LAUNCH_LIMIT_MS / 1000} s: ${error.lastSeen}`,
      nextSteps: ['see how busy this computer is, then try again'],
      lastSeen: error.lastSeen,
    });
  }
}
