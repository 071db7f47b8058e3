import { messageOf, TmachineError } from '../core/errors.js';
import type { Clock, HostFacts, ProcessIdentity, ProcessRunner, ProcessTable } from '../core/ports.js';
import { systemErrorCode } from '../core/system-error.js';
import { LinuxStarts, MacStarts, type StartTimes, WindowsStarts } from './start-times.js';

/** How a process's existence can be asked of the system without knowing more of it. */
type Existence = 'exists' | 'gone';

export interface SystemProcessTableParts {
  readonly facts: Pick<HostFacts, 'platform' | 'bootId' | 'env'>;
  /** Runs `ps` on macOS and PowerShell on Windows. */
  readonly processes: Pick<ProcessRunner, 'run'>;
  readonly clock: Clock;
  /** `/proc` by another name, for tests. */
  readonly procDirectory?: string;
  /** `process.kill(pid, 0)` by another name, for tests. */
  readonly existence?: (pid: number) => Existence;
}

/** The processes of this computer. */
export class SystemProcessTable implements ProcessTable {
  readonly #existence: (pid: number) => Existence;
  readonly #starts: StartTimes;

  constructor(parts: SystemProcessTableParts) {
    this.#existence = parts.existence ?? existenceOf;
    switch (parts.facts.platform) {
      case 'linux':
        this.#starts = new LinuxStarts(parts.facts, parts.procDirectory ?? '/proc');
        break;
      case 'darwin':
        this.#starts = new MacStarts(parts.facts, parts.processes);
        break;
      case 'win32':
        this.#starts = new WindowsStarts(parts.facts, parts.processes, parts.clock);
    }
  }

  async self(): Promise<ProcessIdentity> {
    return { pid: process.pid, startedAt: await this.#starts.ofSelf() };
  }

  async identify(pid: number): Promise<ProcessIdentity | undefined> {
    if (!Number.isSafeInteger(pid) || pid <= 0) return undefined; // 0 and below mean groups of processes
    const existence = this.#existence(pid);
    if (existence === 'gone') return undefined;
    const startedAt = await this.#starts.of(pid);
    if (startedAt === undefined) return undefined;
    // It may have ended between the two looks.
    if (startedAt === '' && this.#existence(pid) === 'gone') return undefined;
    return { pid, startedAt };
  }

  /** True also for a process that exists and cannot be told from an earlier one: whoever asks must not take it for dead. */
  async isAlive(process: ProcessIdentity): Promise<boolean> {
    const now = await this.identify(process.pid);
    if (now === undefined) return false;
    if (process.startedAt === '' || now.startedAt === '') return true;
    return this.#starts.same(process.startedAt, now.startedAt);
  }

  /** Never hits a process that cannot be told from the one meant. Throws TmachineError when the system does not allow it. */
  async signal(target: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const now = await this.identify(target.pid);
    if (now === undefined || now.startedAt === '' || target.startedAt === '') return;
    if (!this.#starts.same(target.startedAt, now.startedAt)) return;
    try {
      process.kill(target.pid, signal);
    } catch (error) {
      if (systemErrorCode(error) === 'ESRCH') return; // it ended in between
      throw new TmachineError({
        code: 'PROCESS_NOT_STOPPED',
        message: `Could not end process ${target.pid}`,
        reason: messageOf(error),
        nextSteps: ['run the command as the user who started the machine'],
        cause: error,
      });
    }
  }
}

function existenceOf(pid: number): Existence {
  try {
    process.kill(pid, 0);
    return 'exists';
  } catch (error) {
    return systemErrorCode(error) === 'EPERM' ? 'exists' : 'gone'; // EPERM: it is another user's
  }
}
