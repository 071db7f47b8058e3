import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolError, throwIfInterrupted } from '../../core/errors.js';
import type { HostFacts } from '../../core/ports.js';
import { acceleratorArguments } from './argv.js';
import type { QemuPorts } from './ports.js';
import { PROBE_EXIT_CODE, PROBE_PORT, probePayload } from './probe-payload.js';
import type { AcceleratorChoice } from './settings.js';
import { type Accelerator, remember, type Toolkit, type Trial } from './toolkit.js';

/** What a machine will run on. */
export interface Acceleration {
  readonly accelerator: Accelerator;
  /** Why it is not the hardware's own, when that was looked for; empty otherwise. */
  readonly whyNotHardware: string;
}

export interface TrialOptions {
  readonly signal: AbortSignal;
  readonly retryFailed?: boolean;
}

/** A guest of one sector answers in a tenth of a second where an accelerator works. */
const TRIAL_MS = 2_000;
/** More than a trial and its end take. */
const OUTLIVED_SECONDS = 10;

/**
 * The accelerator asked for; with `auto` the platform's own if this QEMU has it and a trial guest runs on it, else TCG, which needs nothing.
 * Trials are remembered with the toolkit; with `retryFailed` one that failed is made again. Throws the signal's reason only.
 */
export async function chooseAccelerator(
  choice: AcceleratorChoice,
  toolkit: Toolkit,
  ports: QemuPorts,
  options: TrialOptions,
): Promise<Acceleration> {
  if (choice !== 'auto') return { accelerator: choice, whyNotHardware: '' };
  const candidate = hardwareAccelerator(ports.facts.platform);
  if (!toolkit.accelerators.includes(candidate)) {
    return { accelerator: 'tcg', whyNotHardware: `this QEMU was built without ${candidate}` };
  }
  const trial = await tryAccelerator(candidate, toolkit, ports, options);
  return trial.isUsable
    ? { accelerator: candidate, whyNotHardware: '' }
    : { accelerator: 'tcg', whyNotHardware: `${candidate}: ${trial.evidence}` };
}

/** The one that a platform's QEMU can have. */
export function hardwareAccelerator(platform: HostFacts['platform']): Exclude<Accelerator, 'tcg'> {
  switch (platform) {
    case 'linux':
      return 'kvm';
    case 'darwin':
      return 'hvf';
    case 'win32':
      return 'whpx';
  }
}

/** Boots a payload of one sector: not what the accelerator says, but what it does, is the answer. */
export async function tryAccelerator(
  accelerator: Accelerator,
  toolkit: Toolkit,
  ports: QemuPorts,
  options: TrialOptions,
): Promise<Trial> {
  const known = toolkit.trials[accelerator];
  if (known !== undefined && (known.isUsable || options.retryFailed !== true)) return known;
  const trial = await bootPayload(accelerator, toolkit, ports, options.signal);
  await remember({ ...toolkit, trials: { ...toolkit.trials, [accelerator]: trial } }, ports);
  return trial;
}

async function bootPayload(
  accelerator: Accelerator,
  toolkit: Toolkit,
  ports: QemuPorts,
  signal: AbortSignal,
): Promise<Trial> {
  const directory = await mkdtemp(join(ports.facts.temporaryDirectory, 'tmachine-trial-'));
  try {
    await writeFile(join(directory, 'trial.img'), probePayload(), { mode: 0o600 });
    const args = [
      ...[
        '-nodefaults',
        '-no-user-config',
        '-machine',
        'q35',
        '-m',
        '16',
        '-display',
        'none',
        '-vga',
        'none',
      ],
      ...acceleratorArguments({ accelerator, toolkit, hostArch: ports.facts.arch }),
      ...['-drive', 'if=floppy,file=trial.img,format=raw,readonly=on'],
      ...['-device', `isa-debug-exit,iobase=${PROBE_PORT},iosize=4`],
    ];
    const trial = await endingByItself(toolkit.path, args, ports);
    const { status, stderr } = await ports.processes.run(trial.file, trial.args, {
      cwd: directory,
      signal,
      timeoutMs: TRIAL_MS,
    });
    return status === PROBE_EXIT_CODE
      ? { isUsable: true, evidence: 'a trial guest ran' }
      : { isUsable: false, evidence: complaint(stderr) || 'a trial guest ended without its answer' };
  } catch (error) {
    throwIfInterrupted(signal);
    if (!(error instanceof ToolError)) throw error;
    return {
      isUsable: false,
      evidence: complaint(error.stderr) || `a trial guest did not answer within ${TRIAL_MS / 1000} s`,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * A guest that hangs in KVM hangs for ever, and QEMU has no time limit of its own: one that outlives a tmachine that was killed during the trial
 * is ended by the program `timeout` of every Linux (the Windows program of that name does something else).
 */
async function endingByItself(
  file: string,
  args: readonly string[],
  { processes, facts }: QemuPorts,
): Promise<{ readonly file: string; readonly args: readonly string[] }> {
  const timeout = facts.platform === 'linux' ? await processes.find('timeout') : undefined;
  if (timeout === undefined) return { file, args };
  return { file: timeout, args: ['--signal=KILL', String(OUTLIVED_SECONDS), file, ...args] };
}

/** QEMU's first line that is not a mere warning, without its own name before it. */
function complaint(stderr: string): string {
  const line = stderr
    .split('\n')
    .map((it) => it.trim())
    .find((it) => it !== '' && !/\bwarning:/.test(it));
  return (line ?? '').replace(/^\S*qemu-system-\S+?:\s*/, '').replace(/^error:\s*/, '');
}
