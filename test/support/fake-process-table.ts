import type { ProcessIdentity, ProcessTable } from '../../src/core/ports.js';

/** Processes that live and die when the test says so. */
export class FakeProcessTable implements ProcessTable {
  /** Signals that were sent to living processes. */
  readonly signals: { readonly pid: number; readonly signal: string }[] = [];
  readonly #alive = new Map<number, ProcessIdentity>();
  readonly #self: ProcessIdentity;
  /** What a signal does; by default every one ends its process. */
  readonly #onSignal: (table: FakeProcessTable, pid: number, signal: string) => void;

  constructor(
    alive: readonly ProcessIdentity[] = [],
    onSignal: (table: FakeProcessTable, pid: number, signal: string) => void = (table, pid) => table.end(pid),
  ) {
    this.#self = { pid: 1000, startedAt: 'boot 1000' };
    this.#onSignal = onSignal;
    for (const process of [this.#self, ...alive]) this.begin(process);
  }

  begin(process: ProcessIdentity): void {
    this.#alive.set(process.pid, process);
  }

  end(pid: number): void {
    this.#alive.delete(pid);
  }

  async self(): Promise<ProcessIdentity> {
    return this.#self;
  }

  async identify(pid: number): Promise<ProcessIdentity | undefined> {
    return this.#alive.get(pid);
  }

  async isAlive({ pid, startedAt }: ProcessIdentity): Promise<boolean> {
    return this.#alive.get(pid)?.startedAt === startedAt;
  }

  async signal(process: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!(await this.isAlive(process))) return;
    this.signals.push({ pid: process.pid, signal });
    this.#onSignal(this, process.pid, signal);
  }
}
