import { TimedOutError, throwIfInterrupted } from '../../core/errors.js';
import type { ProcessIdentity } from '../../core/ports.js';
import { waitUntil } from '../../core/wait.js';
import type { QemuPorts } from './ports.js';
import { askMonitor, MonitorError } from './qmp.js';
import { listRuns, monitorOf, type Run, readPidFile } from './run.js';

/** What has become of a start. */
export type RunFate =
  | { readonly kind: 'alive'; readonly run: Run; readonly process: ProcessIdentity }
  /** Its launcher is at it, or was killed so short a time ago that QEMU may still come. */
  | { readonly kind: 'starting'; readonly run: Run }
  | { readonly kind: 'ended'; readonly run: Run };

/** From being started to its pid file and socket QEMU needs a tenth of a second; on a busy computer more. */
const LAUNCH_GRACE_MS = 10_000;
const PROOF_MS = 2_000;
const STARTING_LIMIT_MS = 90_000;

/** The machine's starts with what became of each. Changes nothing. */
export async function findRuns(directory: string, ports: QemuPorts, signal: AbortSignal): Promise<RunFate[]> {
  const runs = await listRuns(directory);
  return Promise.all(runs.map((run) => fateOf(directory, run, ports, signal)));
}

/** The one QEMU that runs the machine, or the start that is under way, or undefined. */
export async function findLiveRun(
  directory: string,
  ports: QemuPorts,
  signal: AbortSignal,
): Promise<Exclude<RunFate, { kind: 'ended' }> | undefined> {
  const fates = await findRuns(directory, ports, signal);
  return fates.find((it) => it.kind === 'alive') ?? fates.find((it) => it.kind === 'starting');
}

/**
 * A process number is only believed together with the moment its process started. Where that is not recorded, the run's own control
 * socket is the proof: its name was never used before, and only a living QEMU listens on it.
 */
async function fateOf(directory: string, run: Run, ports: QemuPorts, signal: AbortSignal): Promise<RunFate> {
  const { process } = run;
  if (process !== undefined && process.startedAt !== '') {
    return (await isLive({ run, process }, directory, ports, signal))
      ? { kind: 'alive', run, process }
      : { kind: 'ended', run };
  }
  const pid = process?.pid ?? (await readPidFile(directory, run.id));
  if (pid !== undefined && (await listens(directory, run, ports, signal))) {
    const identity = await ports.processTable.identify(pid);
    return { kind: 'alive', run, process: identity ?? { pid, startedAt: 'not seen from here' } };
  }
  return (await mayStillStart(run, ports)) ? { kind: 'starting', run } : { kind: 'ended', run };
}

/**
 * True while the run's QEMU lives: its process is there, or its Unix socket is served although the process is not seen, as from another
 * container that shares the store.
 */
export async function isLive(
  { run, process }: { readonly run: Run; readonly process: ProcessIdentity },
  directory: string,
  ports: QemuPorts,
  signal: AbortSignal,
): Promise<boolean> {
  if (await ports.processTable.isAlive(process)) return true;
  return run.monitorPort === 0 && (await listens(directory, run, ports, signal));
}

async function listens(directory: string, run: Run, ports: QemuPorts, signal: AbortSignal): Promise<boolean> {
  try {
    await askMonitor(await monitorOf(directory, run, ports), 'query-status', {
      clock: ports.clock,
      signal,
      timeoutMs: PROOF_MS,
    });
    return true;
  } catch (error) {
    throwIfInterrupted(signal);
    // Silent is alive too: somebody took the connection, and QEMU serves one client at a time.
    return error instanceof MonitorError && error.fault !== 'absent';
  }
}

async function mayStillStart(run: Run, ports: QemuPorts): Promise<boolean> {
  if (run.process !== undefined || run.launcher === undefined) return false;
  const ageMs = ports.clock.now() - run.begunAt;
  if (ageMs >= 0 && ageMs < LAUNCH_GRACE_MS) return true;
  // A start that takes long on a slow computer, by a tmachine that is still there.
  return run.launcher.startedAt !== '' && (await ports.processTable.isAlive(run.launcher));
}

/** Waits until no start is under way any more; returns the QEMU that runs then, or undefined. Throws TimedOutError. */
export async function settledRun(
  directory: string,
  ports: QemuPorts,
  signal: AbortSignal,
): Promise<Extract<RunFate, { kind: 'alive' }> | undefined> {
  return waitUntil(
    'another start of the same machine',
    async () => {
      const live = await findLiveRun(directory, ports, signal);
      return live?.kind === 'starting'
        ? { done: false, seen: `a start by process ${live.run.launcher?.pid ?? '?'} is under way` }
        : { done: true, value: live };
    },
    { everyMs: 100, withinMs: STARTING_LIMIT_MS, clock: ports.clock, signal },
  );
}

const RELEASE_LOOKS = 40;
const RELEASE_PAUSE_MS = 25;

/**
 * A process that has ended may for a moment still hold its disk and its ports, until the last of its threads is gone: whoever looks next
 * would meet them. The ports tell; after a second nothing is waited for, as another program may have taken them.
 */
export async function waitForRelease(run: Run, ports: QemuPorts, signal: AbortSignal): Promise<void> {
  for (const port of [run.sshPort, run.enginePort]) {
    for (let looks = 0; looks < RELEASE_LOOKS && port !== 0; looks += 1) {
      if (await ports.loopback.isFree(port)) break;
      await ports.clock.sleep(RELEASE_PAUSE_MS, signal);
    }
  }
}

/** Waits until QEMU is gone. Returns false when it is still there after `withinMs`. Throws the signal's reason only. */
export async function waitForEnd(
  live: { readonly run: Run; readonly process: ProcessIdentity },
  directory: string,
  ports: QemuPorts,
  limits: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    await waitUntil(
      `the end of process ${live.process.pid}`,
      async () =>
        (await isLive(live, directory, ports, limits.signal))
          ? { done: false, seen: 'it is alive' }
          : { done: true, value: undefined },
      { everyMs: 50, withinMs: limits.withinMs, clock: ports.clock, signal: limits.signal },
    );
    return true;
  } catch (error) {
    if (error instanceof TimedOutError) return false;
    throw error;
  }
}
