import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { MachineNotFoundError, messageOf, StoreError, UsageError } from '../core/errors.js';
import type { MachineNotes, MachineRecord } from '../core/machine.js';
import type {
  Clock,
  FileSwaps,
  HostFacts,
  LockName,
  LockOptions,
  MachinePaths,
  MachineStore,
  ProcessTable,
  Random,
  StoreLayout,
} from '../core/ports.js';
import { systemErrorCode } from '../core/system-error.js';
import { AtomicFiles } from './atomic-files.js';
import { generations, isEntryName, lockDirectories, pathsOf } from './layout.js';
import { FileLocks } from './lock.js';
import { CONFIG_VERSION } from './migrations/migrate.js';
import { parseNotes, printNotes } from './notes-format.js';
import { unreadableRecord } from './record-fault.js';
import { parseRecord, printRecord, type StoredRecord, versionOf } from './record-format.js';
import { storeFault } from './store-fault.js';
import { systemText } from './system-text.js';

const PRIVATE = 0o600;

export interface FileStoreParts {
  /** `storeLayout` (layout.ts) of an absolute root. */
  readonly layout: StoreLayout;
  readonly facts: Pick<HostFacts, 'platform' | 'hostName' | 'hostId' | 'homeDirectory'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly processTable: ProcessTable;
  readonly swaps: FileSwaps;
  /** Told what the user should know although the command goes on: a damaged record whose previous generation is used. */
  readonly warn?: (line: string) => void;
}

/** Docker Machine's directory of machines (contract: store.md). */
export class FileStore implements MachineStore {
  readonly layout: StoreLayout;
  readonly #platform: HostFacts['platform'];
  readonly #files: AtomicFiles;
  readonly #locks: FileLocks;
  readonly #warn: (line: string) => void;

  constructor(parts: FileStoreParts) {
    const { layout, facts, warn = () => undefined } = parts;
    this.layout = layout;
    this.#platform = facts.platform;
    this.#warn = warn;
    this.#files = new AtomicFiles({ ...parts, platform: facts.platform, onHeld: warn });
    this.#locks = new FileLocks({
      ...parts,
      directories: lockDirectories(layout.root, facts),
      files: this.#files,
    });
  }

  /** A symbolic link counts as what it leads to. Throws StoreError when the directory is there and cannot be read. */
  async list(): Promise<string[]> {
    const { machines } = this.layout;
    try {
      const entries = await readdir(machines, { withFileTypes: true });
      const names: string[] = [];
      for (const entry of entries) {
        if (entry.name.startsWith('.')) continue;
        const isMachine = entry.isSymbolicLink()
          ? await isDirectory(pathsOf(this.#platform).join(machines, entry.name))
          : entry.isDirectory();
        if (isMachine) names.push(entry.name);
      }
      return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw storeFault(`Could not read the directory "${machines}"`, error);
    }
  }

  async exists(name: string): Promise<boolean> {
    if (!isEntryName(name, this.#platform)) return false;
    const { directory } = this.layout.machine(name);
    try {
      await lstat(directory);
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw storeFault(`Could not look for "${directory}"`, error);
    }
  }

  async load(name: string): Promise<MachineRecord> {
    if (!isEntryName(name, this.#platform)) throw new MachineNotFoundError(name);
    const paths = this.layout.machine(name);
    const [text, notes] = await Promise.all([
      this.#readConfig(name, paths.config),
      readFile(paths.notes, 'utf8').catch(() => undefined), // losing the notes loses no machine
    ]);
    const { record, config } = await this.#parse(name, paths, text);
    return { ...record, notes: this.#notes(paths, notes, config) };
  }

  render(record: MachineRecord): string {
    return printRecord(record);
  }

  async save(record: MachineRecord, { forgets = false } = {}): Promise<void> {
    assertEntryName(record.name, this.#platform);
    const paths = this.layout.machine(record.name);
    const config = printRecord(record);
    const notes = printNotes(record.notes, config);
    if (!(await this.exists(record.name))) {
      const files = new Map([
        ['config.json', { content: config, mode: PRIVATE }],
        ['tmachine.json', { content: notes, mode: PRIVATE }],
      ]);
      if (await this.#files.createDirectory(paths.directory, files)) return;
    }
    await this.#keepGeneration(record.name, paths, config, forgets);
    // The config first: after a kill between the two, the journal lacks a step that is done, and doing it again is safe.
    await this.#writeChanged(paths.config, config);
    await this.#writeChanged(paths.notes, notes);
  }

  async remove(name: string): Promise<void> {
    if (!isEntryName(name, this.#platform)) return;
    await this.#files.removeDirectory(this.layout.machine(name).directory);
  }

  lock<T>(name: LockName, options: LockOptions, work: () => Promise<T>): Promise<T> {
    return this.#locks.hold(name, options, work);
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(path);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw storeFault(`Could not read "${path}"`, error);
    }
  }

  writeFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
    return this.#files.write(path, content, mode);
  }

  removeFile(path: string): Promise<void> {
    return this.#files.remove(path);
  }

  writeDirectory(
    path: string,
    files: ReadonlyMap<string, { content: string; mode: number }>,
  ): Promise<boolean> {
    return this.#files.createDirectory(path, files);
  }

  copyFile(from: string, to: string, mode: number): Promise<void> {
    return this.#files.copy(from, to, mode);
  }

  /** The text of config.json, or why there is none. Throws MachineNotFoundError. */
  async #readConfig(name: string, path: string): Promise<string | StoreError> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (isAbsent(error) && !(await this.exists(name))) throw new MachineNotFoundError(name);
      const call = systemErrorCode(error) === 'EISDIR' ? 'read' : 'open';
      return unreadableRecord(name, path, { call, text: systemText(error, this.#platform), cause: error });
    }
  }

  /** The record and the text it was read from: the previous generation's when config.json is missing, empty or broken (P27). */
  async #parse(
    name: string,
    paths: MachinePaths,
    text: string | StoreError,
  ): Promise<{ readonly record: StoredRecord; readonly config: string }> {
    const place = { name, layout: this.layout, platform: this.#platform };
    const fault = typeof text === 'string' ? undefined : text;
    try {
      if (typeof text !== 'string') throw text;
      return { record: parseRecord(text, place), config: text };
    } catch (error) {
      const isGone = fault !== undefined && systemErrorCode(fault.cause) === 'ENOENT';
      const isBroken =
        fault === undefined && error instanceof StoreError && error.code !== 'RECORD_FROM_THE_FUTURE';
      if (!isGone && !isBroken) throw error;
      const { previous } = generations(paths.config);
      const older = await readFile(previous, 'utf8').catch(() => undefined);
      const record = older === undefined ? undefined : parsedOrUndefined(older, place);
      if (older === undefined || record === undefined) throw error;
      this.#warn(
        `The record of "${name}" is damaged (${messageOf(error)}); using the one before its last change, "${previous}"`,
      );
      return { record, config: older };
    }
  }

  #notes(paths: MachinePaths, text: string | undefined, config: string): MachineNotes {
    if (text === undefined) return {};
    const notes = parseNotes(text, config);
    if (notes === undefined) this.#warn(`"${paths.notes}" cannot be read as notes and is ignored`);
    return notes ?? {};
  }

  /**
   * Keeps what config.json holds now, if it is a record and about to change; when that is to be forgotten, the new record in its place, before
   * it is in config.json: one of the two is whole at any time. Throws StoreError rather than overwrite a newer version.
   */
  async #keepGeneration(name: string, paths: MachinePaths, config: string, forgets: boolean): Promise<void> {
    const old = await readFile(paths.config).catch(() => undefined);
    if (old === undefined || old.toString('utf8') === config) return;
    const text = old.toString('utf8');
    try {
      parseRecord(text, { name, layout: this.layout, platform: this.#platform });
    } catch (error) {
      if (error instanceof StoreError && error.code === 'RECORD_FROM_THE_FUTURE') throw error;
      if (!forgets) return; // a broken record is not worth the place of a good one
    }
    const { previous, beforeMigration } = generations(paths.config);
    if ((versionOf(text) ?? CONFIG_VERSION) < CONFIG_VERSION) {
      await this.#files.write(beforeMigration, old, PRIVATE);
    }
    await this.#files.write(previous, forgets ? config : old, PRIVATE);
  }

  async #writeChanged(path: string, content: string): Promise<void> {
    const old = await readFile(path, 'utf8').catch(() => undefined);
    if (old !== content) await this.#files.write(path, content, PRIVATE);
  }
}

function parsedOrUndefined(text: string, place: Parameters<typeof parseRecord>[1]): StoredRecord | undefined {
  try {
    return parseRecord(text, place);
  } catch {
    return undefined; // the first fault is the one to tell
  }
}

function isAbsent(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Throws UsageError for a name that would lead out of `machines/`. */
function assertEntryName(name: string, platform: HostFacts['platform']): void {
  if (isEntryName(name, platform)) return;
  throw new UsageError({
    code: 'MACHINE_NAME_INVALID',
    message: `${JSON.stringify(name)} cannot be the name of a machine`,
    reason: 'it is not the name of a directory',
    nextSteps: ['choose a name that starts with a letter or a digit, such as: dev-1'],
  });
}
