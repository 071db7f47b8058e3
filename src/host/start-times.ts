import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { TmachineError } from '../core/errors.js';
import type { Clock, HostFacts, ProcessRunner } from '../core/ports.js';
import {
  parseProcStat,
  parsePsLine,
  parseRoundTripTime,
  parseWmicTime,
  powerShellQuery,
} from './process-times.js';

/** How one platform tells the start of a process that exists: undefined when it has ended after all, '' when it cannot be told. */
export interface StartTimes {
  of(pid: number): Promise<string | undefined>;
  ofSelf(): Promise<string>;
  /** True when both texts mean the same start. */
  same(one: string, other: string): boolean;
}

/** `/proc/PID/stat` beside the boot id: ticks since boot say nothing without it. */
export class LinuxStarts implements StartTimes {
  readonly #facts: Pick<HostFacts, 'bootId'>;
  readonly #procDirectory: string;

  constructor(facts: Pick<HostFacts, 'bootId'>, procDirectory: string) {
    this.#facts = facts;
    this.#procDirectory = procDirectory;
  }

  async of(pid: number): Promise<string | undefined> {
    return this.#read(String(pid));
  }

  async ofSelf(): Promise<string> {
    return (await this.#read('self')) ?? '';
  }

  same(one: string, other: string): boolean {
    return one === other;
  }

  async #read(pid: string): Promise<string | undefined> {
    // Unreadable: hidden from other users (hidepid), or ended a moment ago.
    const stat = await readFile(`${this.#procDirectory}/${pid}/stat`, 'utf8').catch(() => '');
    const parsed = parseProcStat(stat);
    if (parsed === undefined) return '';
    return parsed.isZombie ? undefined : `${this.#facts.bootId} ${parsed.startTicks}`;
  }
}

/** `ps`, which macOS always has. Its seconds suffice: the numbers of processes come round much later. */
export class MacStarts implements StartTimes {
  readonly #facts: Pick<HostFacts, 'bootId'>;
  readonly #processes: Pick<ProcessRunner, 'run'>;
  #self: string | undefined;

  constructor(facts: Pick<HostFacts, 'bootId'>, processes: Pick<ProcessRunner, 'run'>) {
    this.#facts = facts;
    this.#processes = processes;
  }

  async of(pid: number): Promise<string | undefined> {
    const { status, stdout } = await this.#processes.run(
      '/bin/ps',
      ['-o', 'lstart=,stat=', '-p', String(pid)],
      { env: { TZ: 'UTC' }, timeoutMs: 10_000 },
    );
    if (status !== 0) return undefined; // ps ends so when there is no such process
    const parsed = parsePsLine(stdout);
    if (parsed === undefined) return '';
    return parsed.isZombie ? undefined : `${this.#facts.bootId} ${parsed.startedAt}`;
  }

  async ofSelf(): Promise<string> {
    this.#self ??= (await this.of(process.pid)) ?? '';
    return this.#self;
  }

  same(one: string, other: string): boolean {
    return one === other;
  }
}

/** Two starts this close are one: our own is measured by ourselves, a moment after the system's. */
const SAME_START_MS = 10_000;
/** PowerShell takes a second or so to start: a number is not looked up more often. */
const LOOK_UP_EVERY_MS = 10_000;

/** The system's creation time, by PowerShell or, where that is locked, by wmic. A process asks for itself without either. */
export class WindowsStarts implements StartTimes {
  readonly #facts: Pick<HostFacts, 'env'>;
  readonly #processes: Pick<ProcessRunner, 'run'>;
  readonly #clock: Clock;
  readonly #known = new Map<number, { readonly startedAt: string | undefined; readonly readAtMs: number }>();

  constructor(facts: Pick<HostFacts, 'env'>, processes: Pick<ProcessRunner, 'run'>, clock: Clock) {
    this.#facts = facts;
    this.#processes = processes;
    this.#clock = clock;
  }

  async of(pid: number): Promise<string | undefined> {
    if (pid === process.pid) return this.ofSelf();
    const known = this.#known.get(pid);
    const now = this.#clock.monotonic();
    if (known !== undefined && now - known.readAtMs < LOOK_UP_EVERY_MS) return known.startedAt;
    const startedAt = await this.#lookUp(pid);
    this.#known.set(pid, { startedAt, readAtMs: now });
    return startedAt;
  }

  async ofSelf(): Promise<string> {
    return new Date(performance.timeOrigin).toISOString();
  }

  same(one: string, other: string): boolean {
    return Math.abs(Date.parse(one) - Date.parse(other)) <= SAME_START_MS;
  }

  async #lookUp(pid: number): Promise<string | undefined> {
    const system = `${this.#facts.env.SystemRoot ?? 'C:\\Windows'}\\System32`;
    const shell = `${system}\\WindowsPowerShell\\v1.0\\powershell.exe`;
    const asked = await this.#ask(shell, ['-NoProfile', '-NonInteractive', '-Command', powerShellQuery(pid)]);
    if (asked !== undefined) {
      const ms = parseRoundTripTime(asked);
      if (ms !== undefined) return new Date(ms).toISOString();
      if (asked.trim() === '') return undefined;
    }
    const wmic = await this.#ask(`${system}\\wbem\\wmic.exe`, [
      'process',
      'where',
      `ProcessId=${pid}`,
      'get',
      'CreationDate',
      '/value',
    ]);
    const ms = wmic === undefined ? undefined : parseWmicTime(wmic);
    return ms === undefined ? '' : new Date(ms).toISOString();
  }

  /** The output, or undefined when the tool is missing, locked or fails. */
  async #ask(file: string, args: readonly string[]): Promise<string | undefined> {
    try {
      const { status, stdout } = await this.#processes.run(file, args, { timeoutMs: 15_000 });
      return status === 0 ? stdout : undefined;
    } catch (error) {
      if (error instanceof TmachineError) return undefined;
      throw error;
    }
  }
}
