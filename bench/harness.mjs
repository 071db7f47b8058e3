// Measures whole processes from outside: CPU time (user + system) and wall time of each run, medians over many rounds.
// In every round each contestant runs once, so that whatever else the computer does meets all of them alike.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

export const PROGRAM = join(import.meta.dirname, '..', 'bin', 'run.cjs');

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {readonly string[]} command
 * @property {Record<string, string | undefined>} [env] on top of the environment of the benchmark
 *
 * @typedef {object} Measured
 * @property {string} name
 * @property {number} cpuMs   median
 * @property {number} wallMs  median
 * @property {number} lowMs   smallest CPU time
 */

/**
 * Runs every contestant `rounds` times, and twice before that to fill caches. Throws when one ends with an unexpected
 * code. Needs bash: its `time` reads the kernel's own account of a child, which Node does not offer.
 * @param {readonly Contestant[]} contestants
 * @returns {Promise<Measured[]>}
 */
export async function measure(contestants, rounds = 21) {
  const runs = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = -2; round < rounds; round += 1) {
    for (const { name, command, env = {} } of contestants) {
      const run = await timed(command, env);
      if (round >= 0) runs.get(name).push(run);
    }
  }
  return contestants.map(({ name }) => {
    const cpu = runs.get(name).map(({ cpuMs }) => cpuMs);
    return {
      name,
      cpuMs: median(cpu),
      wallMs: median(runs.get(name).map(({ wallMs }) => wallMs)),
      lowMs: Math.min(...cpu),
    };
  });
}

/** One run. The benchmark stays responsive meanwhile: it may be serving what the program asks. */
async function timed(command, env) {
  const script = 'TIMEFORMAT="%3U %3S %3R"; time "$@" >/dev/null 2>&3';
  const { stderr, complaint, status } = await output(
    'bash',
    ['-c', `${script} 3>&3`, 'time', ...command],
    env,
  );
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${complaint}`);
  const [user, system, wall] = stderr.trim().split(/\s+/).slice(-3).map(Number);
  return { cpuMs: (user + system) * 1000, wallMs: wall * 1000 };
}

/** The largest resident memory of one run, in MiB. Node programs only: the figure is the process's own. */
export async function peakMiB(args, env = {}) {
  const preload = join(import.meta.dirname, 'report-memory.cjs');
  const { stderr, status } = await output(process.execPath, ['--require', preload, ...args], env);
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return Number(/peak-kib (\d+)/.exec(stderr)[1]) / 1024;
}

function output(file, args, env) {
  return new Promise((resolve, reject) => {
    // NODE_EXTRA_CA_CERTS costs Node 20 more than a whole short command; TMACHINE_NO_CODE_CACHE is not what is measured.
    const clean = {
      ...process.env,
      NODE_EXTRA_CA_CERTS: undefined,
      TMACHINE_NO_CODE_CACHE: undefined,
      ...env,
    };
    const child = spawn(file, args, { env: clean, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    const texts = ['', '', '', ''];
    for (const stream of [2, 3]) child.stdio[stream].on('data', (chunk) => (texts[stream] += chunk));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stderr: texts[2], complaint: texts[3] }));
  });
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A line for each measurement: its figures, the ratio to `base`, and how that stands to its budget where it has one. */
export function report(title, measured, base, budgets = {}) {
  console.log(`\n${title}`);
  for (const { name, cpuMs, wallMs, lowMs } of measured) {
    const ratio = cpuMs / base.cpuMs;
    const budget = budgets[name];
    const standing = budget === undefined ? '' : `  budget ${budget}: ${ratio <= budget ? 'kept' : 'MISSED'}`;
    const figures = `CPU ${cpuMs.toFixed(0).padStart(5)} ms (low ${lowMs.toFixed(0)})  wall ${wallMs.toFixed(0).padStart(5)} ms`;
    console.log(`  ${name.padEnd(28)}${figures}  ratio ${ratio.toFixed(2)}${standing}`);
  }
}

export function describeComputer() {
  return `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, ${process.platform} ${process.arch}`;
}

/** A folder that is removed when `work` has ended. */
export async function inTemporaryFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'tmachine-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
