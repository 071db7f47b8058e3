import { type ChildProcess, spawn } from 'node:child_process';
import type { HostFacts, ProgramStreams, RunningProgram, StreamOptions } from '../core/ports.js';
import { toolEnvironment } from './child-environment.js';
import { findProgram } from './find-program.js';
import { signalTree } from './stop-process.js';

/** What a program may say on stderr; the end counts. */
const STDERR_CHARACTERS = 4096;
/** Kerberos finds its tickets by these. */
const KERBEROS = ['KRB5CCNAME', 'KRB5_CONFIG'];

/** Programs whose output is read while they run. Nothing of them is logged: their input holds secrets. */
export class SystemProgramStreams implements ProgramStreams {
  readonly #facts: Pick<HostFacts, 'platform' | 'env'>;

  constructor(facts: Pick<HostFacts, 'platform' | 'env'>) {
    this.#facts = facts;
  }

  find(program: string): Promise<string | undefined> {
    return findProgram(program, this.#facts);
  }

  stream(file: string, args: readonly string[], { input, signal }: StreamOptions): RunningProgram {
    const kept = Object.fromEntries(KERBEROS.map((name) => [name, this.#facts.env[name]]));
    const child = spawn(file, args, {
      env: toolEnvironment(this.#facts, kept),
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own: Ctrl-C on the terminal reaches us first.
      detached: this.#facts.platform !== 'win32',
      windowsHide: true,
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr = `${stderr}${chunk}`.slice(-STDERR_CHARACTERS);
    });
    // It may end before it has read all of its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const stop = () => this.#stop(child);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const ended = new Promise<{ status: number | undefined; stderr: string }>((resolve) => {
      child.once('error', (error) => resolve({ status: undefined, stderr: error.message }));
      child.once('close', (status) => resolve({ status: status ?? undefined, stderr }));
    });
    ended.then(() => signal.removeEventListener('abort', stop));
    return { output: child.stdout, ended, stop };
  }

  #stop(child: ChildProcess): void {
    if (child.exitCode === null && child.signalCode === null) signalTree(child, 'SIGTERM', this.#facts);
  }
}
