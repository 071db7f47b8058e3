import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The built program, as a user starts it. */
export const PROGRAM = join(ROOT, 'bin', 'run.cjs');

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface Invocation {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Buffer;
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Told every time something arrives on stdout: to interrupt at a certain line. */
  readonly onStdout?: (all: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs any program to its end with an environment that is the test's own: nothing of the caller's DOCKER_* or MACHINE_* reaches it. */
export function runProgram(
  file: string,
  args: readonly string[],
  invocation: Invocation = {},
): Promise<Outcome> {
  const begun = performance.now();
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) => !/^(DOCKER_|MACHINE_|QEMU_|BUILDX_|NODE_OPTIONS$|.*_PROXY$|.*_proxy$)/.test(key),
    ),
  );
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: { ...inherited, ...invocation.env },
      cwd: invocation.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: invocation.timeoutMs ?? 60_000,
      killSignal: 'SIGKILL',
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
      invocation.onStdout?.(output.stdout, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.stdin.on('error', () => undefined); // the program may end without reading its input
    child.stdin.end(invocation.input ?? '');
    child.on('error', reject);
    child.on('close', (status, signal) =>
      resolve({ status, signal, ...output, elapsedMs: Math.round(performance.now() - begun) }),
    );
  });
}

/** A `tmachine` with a store of its own. */
export function tmachineIn(
  store: string,
  env: Readonly<Record<string, string | undefined>> = {},
): (args: readonly string[], invocation?: Invocation) => Promise<Outcome> {
  return (args, invocation = {}) =>
    runProgram(process.execPath, [PROGRAM, ...args], {
      ...invocation,
      env: { MACHINE_STORAGE_PATH: store, ...env, ...invocation.env },
    });
}
