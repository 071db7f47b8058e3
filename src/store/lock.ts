import { readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { StoreError, throwIfInterrupted } from '../core/errors.js';
import type {
  Clock,
  FileSwaps,
  HostFacts,
  LockName,
  LockOptions,
  ProcessTable,
  Random,
} from '../core/ports.js';
import { systemErrorCode } from '../core/system-error.js';
import type { AtomicFiles } from './atomic-files.js';
import { type LockDirectories, lockLabel, pathsOf } from './layout.js';
import {
  createExclusively,
  type LockContent,
  type LockHolder,
  linkInto,
  printHolder,
  readLock,
  reuse,
} from './lock-file.js';
import { storeFault } from './store-fault.js';
import { temporaryName } from './temporary-name.js';

const DEFAULT_WAIT_MS = 600_000;
/** Short holds pass unnoticed. */
const TELL_AFTER_MS = 1_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;
/** On a file system without hard links a lock may be seen half-written. A writer that is alive is done long before. */
const HALF_WRITTEN_MS = 5_000;
const UNDELETED_MS = 10_000;
/** What follows a lock's name and a dot in the name of a right. */
const RIGHT = /^[0-9a-f]{16,64}\.heir$/;

export interface FileLocksParts {
  readonly directories: LockDirectories;
  readonly facts: Pick<HostFacts, 'platform' | 'hostName' | 'hostId'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly processTable: ProcessTable;
  readonly swaps: FileSwaps;
  readonly files: Pick<AtomicFiles, 'makeDirectory' | 'sweep'>;
  /** `linkInto` by another name, for tests: as a file system without hard links has it. */
  readonly link?: typeof linkInto;
}

interface Wait {
  readonly begunAt: number;
  readonly title: string;
  readonly options: LockOptions;
  told: boolean;
  /** The lock that could not be read, and since when it has been like that. */
  unreadable: { readonly token: string; readonly sinceMs: number } | undefined;
}

/**
 * Locks between processes: a file that names its holder. It is broken only when exactly that process is gone from this computer; a sleeping
 * or stopped one keeps it, and so does one on another computer.
 *
 * Taking over from a dead holder D is safe between any number of processes: whoever wants to must first take the right to it, a lock of the
 * same kind in a file named after D's token, which no other lock ever has. Only the owner of the right may replace D, and D itself is dead;
 * so when the owner has made sure that D is still there, nobody else can touch it before the owner renames its own lock over it. A right
 * whose owner has died is taken over in the same way.
 */
export class FileLocks {
  readonly #parts: FileLocksParts;

  constructor(parts: FileLocksParts) {
    this.#parts = parts;
  }

  /**
   * Runs `work` while holding the lock. Throws InterruptedError when the signal ends the wait, StoreError `LOCKED` when the holder does not
   * let go in time or the lock cannot be written, and what `work` throws. Not re-entrant.
   */
  async hold<T>(name: LockName, options: LockOptions, work: () => Promise<T>): Promise<T> {
    throwIfInterrupted(options.signal);
    const { directories, files, facts, clock } = this.#parts;
    const { file, title } = lockLabel(name);
    const directory = name === 'host-only' ? directories.user : directories.store;
    const path = pathsOf(facts.platform).join(directory, `${file}.lock`);
    const wait: Wait = { begunAt: clock.monotonic(), title, options, told: false, unreadable: undefined };
    await files.makeDirectory(directory);
    const held = await this.#acquire(path, path, wait);
    try {
      return await work();
    } finally {
      await this.#release(path, held);
    }
  }

  /** Waits until the lock at `path` is ours. `base` is the lock asked for: rights lie beside it. */
  async #acquire(path: string, base: string, wait: Wait): Promise<LockHolder> {
    const { clock, processTable, facts, random } = this.#parts;
    const self: LockHolder = {
      ...(await processTable.self()),
      host: facts.hostName,
      hostId: facts.hostId ?? '',
      since: new Date(clock.now()).toISOString(),
      token: Buffer.from(random.bytes(16)).toString('hex'),
    };
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      throwIfInterrupted(wait.options.signal);
      let found: LockContent | undefined;
      try {
        found = await readLock(path);
        if (found === undefined) {
          if (await this.#create(path, self)) return self;
        } else if (await this.#isDead(found, wait)) {
          if (await this.#takeOver(path, base, found, self, wait)) return self;
        }
      } catch (error) {
        await this.#assertPassing(error, path, wait);
      }
      this.#keepWaiting(path, found?.holder, wait);
      await this.#sleep(pause, wait);
    }
  }

  /** True when the lock was free and is ours. */
  async #create(path: string, self: LockHolder): Promise<boolean> {
    const temporary = await this.#writeTemporary(path, self);
    try {
      const linked = await (this.#parts.link ?? linkInto)(temporary, path);
      if (linked !== undefined) {
        // The answer of a network file system can be lost: what counts is what lies there.
        return linked || (await readLock(path))?.token === self.token;
      }
      if (!(await createExclusively(path, printHolder(self)))) return false;
      // Stopped for long between creating and writing, we may have been taken for dead.
      return (await readLock(path))?.token === self.token;
    } finally {
      await unlink(temporary).catch(() => undefined); // swept later
    }
  }

  async #writeTemporary(path: string, self: LockHolder): Promise<string> {
    const { join, dirname, basename } = pathsOf(this.#parts.facts.platform);
    const temporary = join(dirname(path), await temporaryName(basename(path), this.#parts));
    try {
      await writeFile(temporary, printHolder(self), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      const isFull = ['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '');
      if (!isFull || !(await reuse(this.#spare(path), temporary, printHolder(self)))) {
        await unlink(temporary).catch(() => undefined); // it may not have been made
        throw error;
      }
    }
    return temporary;
  }

  /**
   * The last lock that was let go stays under this name: on a full disk its space holds the next one, so that `stop` and `rm`, which may
   * be the way to free some, still can lock.
   */
  #spare(path: string): string {
    const { join, dirname } = pathsOf(this.#parts.facts.platform);
    return join(dirname(path), '.spare');
  }

  /** Returns when the next try may go better, else throws. */
  async #assertPassing(error: unknown, path: string, wait: Wait): Promise<void> {
    const { clock, facts, files } = this.#parts;
    const code = systemErrorCode(error) ?? '';
    if (code === 'ENOENT') {
      // Somebody has removed the directory of locks, or the whole store.
      await files.makeDirectory(pathsOf(facts.platform).dirname(path));
      return;
    }
    // A file on Windows that was deleted while another process reads it is in the way until that one closes it.
    const mayPass = facts.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(code);
    if (mayPass && clock.monotonic() - wait.begunAt < UNDELETED_MS) return;
    throw storeFault(`Could not lock ${wait.title} with "${path}"`, error);
  }

  /** True when the holder can never let go again. */
  async #isDead({ holder, token }: LockContent, wait: Wait): Promise<boolean> {
    if (holder !== undefined) {
      return this.#isHere(holder) && !(await this.#parts.processTable.isAlive(holder));
    }
    const now = this.#parts.clock.monotonic();
    if (wait.unreadable?.token !== token) wait.unreadable = { token, sinceMs: now };
    return now - wait.unreadable.sinceMs >= HALF_WRITTEN_MS;
  }

  /** Only on its own computer, and in its own space of process numbers, can a process be looked up. */
  #isHere(holder: LockHolder): boolean {
    const { hostName, hostId } = this.#parts.facts;
    return holder.host === hostName && holder.hostId === (hostId ?? '');
  }

  /** Replaces the dead lock `found` by ours. False when somebody else was faster. */
  async #takeOver(
    path: string,
    base: string,
    found: LockContent,
    self: LockHolder,
    wait: Wait,
  ): Promise<boolean> {
    const { swaps, files, facts } = this.#parts;
    const { dirname } = pathsOf(facts.platform);
    const right = `${base}.${found.token}.heir`;
    const owner = await this.#acquire(right, base, wait);
    try {
      if ((await readLock(path))?.token !== found.token) return false;
      const temporary = await this.#writeTemporary(path, self);
      await swaps.replace(temporary, path);
      if (path === base) await this.#dropRights(base);
      await files.sweep(dirname(path));
      return true;
    } finally {
      await this.#release(right, owner);
    }
  }

  /** Rights to locks that are no more: their tokens never come back. */
  async #dropRights(base: string): Promise<void> {
    const { join, dirname, basename } = pathsOf(this.#parts.facts.platform);
    const own = `${basename(base)}.`;
    const names = await readdir(dirname(base)).catch(() => []);
    for (const name of names) {
      if (name.startsWith(own) && RIGHT.test(name.slice(own.length))) {
        await unlink(join(dirname(base), name)).catch(() => undefined); // harmless where it is
      }
    }
  }

  /** Only what is still ours: somebody may have deleted the file by hand, and another may hold the lock since. */
  async #release(path: string, held: LockHolder): Promise<void> {
    const found = await readLock(path).catch(() => undefined);
    if (found?.token !== held.token) return;
    await rename(path, this.#spare(path)).catch(() => this.#parts.swaps.discard(path));
  }

  /** Tells the user once, and throws when it has taken too long. */
  #keepWaiting(path: string, holder: LockHolder | undefined, wait: Wait): void {
    const waitedMs = this.#parts.clock.monotonic() - wait.begunAt;
    const who = holder === undefined ? 'another process' : this.#describe(holder);
    if (waitedMs >= (wait.options.waitMs ?? DEFAULT_WAIT_MS)) {
      throw stillHeld(path, who, holder, waitedMs, wait);
    }
    if (wait.told || waitedMs < TELL_AFTER_MS) return;
    wait.told = true;
    wait.options.onWait?.(who);
  }

  #describe(holder: LockHolder): string {
    const { hostName } = this.#parts.facts;
    if (this.#isHere(holder)) return `process ${holder.pid}`;
    const where =
      holder.host === hostName ? `another system called "${holder.host}"` : `the computer "${holder.host}"`;
    return `process ${holder.pid} on ${where}`;
  }

  async #sleep(pause: number, wait: Wait): Promise<void> {
    const { clock, random } = this.#parts;
    const jitter = (pause * (random.bytes(1)[0] ?? 0)) / 510;
    try {
      await clock.sleep(pause + jitter, wait.options.signal);
    } catch (error) {
      throwIfInterrupted(wait.options.signal);
      throw error;
    }
  }
}

function stillHeld(
  path: string,
  who: string,
  holder: LockHolder | undefined,
  waitedMs: number,
  wait: Wait,
): StoreError {
  return new StoreError({
    code: 'LOCKED',
    message: `Another tmachine is working on ${wait.title}`,
    reason: `${who} has held the lock ${holder === undefined ? 'all the time' : `since ${holder.since}`}; waited ${Math.round(waitedMs / 1000)} s`,
    nextSteps: [
      'wait until it is done, or end it, and run the command again',
      `if there is no such process any more, delete the lock:  ${path}`,
    ],
  });
}
