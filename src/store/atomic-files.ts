import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import type { Clock, FileSwaps, HostFacts, ProcessTable, Random } from '../core/ports.js';
import { systemErrorCode } from '../core/system-error.js';
import { pathsOf } from './layout.js';
import { storeFault } from './store-fault.js';
import { isLeftover, isTemporaryName, temporaryName } from './temporary-name.js';

export interface AtomicFilesParts {
  readonly platform: HostFacts['platform'];
  readonly clock: Clock;
  readonly random: Random;
  readonly processTable: ProcessTable;
  readonly swaps: FileSwaps;
  /** Told when a file is held by another program for a while. */
  readonly onHeld?: ((line: string) => void) | undefined;
}

export type NewFiles = ReadonlyMap<string, { readonly content: string | Uint8Array; readonly mode: number }>;

/**
 * Files that appear whole or not at all: written beside the target, synced, renamed over it, the directory synced. Whatever goes wrong, the
 * old file stays as it was and nothing half-written is left. All methods throw StoreError.
 */
export class AtomicFiles {
  readonly #parts: AtomicFilesParts;

  constructor(parts: AtomicFilesParts) {
    this.#parts = parts;
  }

  /** Missing parents are made with 0700. A symbolic link keeps its place: the file that it names is replaced. */
  async write(path: string, content: string | Uint8Array, mode: number): Promise<void> {
    await this.#replace(path, (temporary) => writeSynced(temporary, content, mode));
  }

  /** Nothing when it is gone. */
  async remove(path: string): Promise<void> {
    try {
      await rm(path, { force: true, maxRetries: 5, retryDelay: 100 });
      await syncDirectory(pathsOf(this.#parts.platform).dirname(path));
    } catch (error) {
      throw storeFault(`Could not remove "${path}"`, error);
    }
  }

  /** By the file system's own means where it can share the blocks, else by bytes. */
  async copy(from: string, to: string, mode: number): Promise<void> {
    await this.#replace(to, async (temporary) => {
      await copyFile(from, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      await chmod(temporary, mode);
      await syncFile(temporary);
    });
  }

  /**
   * A directory (0700) with its files, all at once; false, and nothing changed, when `path` is already there. Names of `files` may not
   * contain separators.
   */
  async createDirectory(path: string, files: NewFiles): Promise<boolean> {
    const { join, dirname, basename } = pathsOf(this.#parts.platform);
    const parent = dirname(path);
    const staging = join(parent, await temporaryName(basename(path), this.#parts));
    try {
      if (await exists(path)) return false;
      await this.makeDirectory(parent);
      await mkdir(staging, { mode: 0o700 });
      for (const [name, { content, mode }] of files) await writeSynced(join(staging, name), content, mode);
      await syncDirectory(staging);
      if (!(await renamed(staging, path))) return false;
      await syncDirectory(parent);
      return true;
    } catch (error) {
      throw storeFault(`Could not create the directory "${path}"`, error);
    } finally {
      await rm(staging, { recursive: true, force: true }).catch(() => undefined); // swept later
      await this.sweep(parent);
    }
  }

  /**
   * A directory goes at once, under its own name; its content follows. Where an open file prevents the rename (Windows), it is deleted in
   * place. Nothing when it is already gone; of a symbolic link only the link goes. So does what killed processes left that were making or
   * removing it: the caller holds the lock of what the directory stands for.
   */
  async removeDirectory(path: string): Promise<void> {
    const { join, dirname, basename } = pathsOf(this.#parts.platform);
    const parent = dirname(path);
    try {
      const grave = join(parent, await temporaryName(basename(path), this.#parts));
      const doomed = await rename(path, grave).then(
        () => grave,
        (error: unknown) => (systemErrorCode(error) === 'ENOENT' ? undefined : path),
      );
      if (doomed !== undefined) {
        await rm(doomed, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
        await syncDirectory(parent);
      }
    } catch (error) {
      throw storeFault(`Could not remove "${path}"`, error);
    }
    await this.sweep(parent, basename(path));
  }

  async makeDirectory(path: string): Promise<void> {
    try {
      await makeWithParents(path, pathsOf(this.#parts.platform).dirname);
    } catch (error) {
      throw storeFault(`Could not create the directory "${path}"`, error);
    }
  }

  async #replace(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
    const { join, dirname, basename } = pathsOf(this.#parts.platform);
    const { swaps, onHeld } = this.#parts;
    await this.makeDirectory(dirname(path));
    const target = await realpath(path).catch(() => path);
    const directory = dirname(target);
    const temporary = join(directory, await temporaryName(basename(target), this.#parts));
    try {
      await make(temporary);
      await swaps.replace(temporary, target, onHeld === undefined ? {} : { onHeld });
    } catch (error) {
      await swaps.discard(temporary);
      throw storeFault(`Could not write "${path}"`, error);
    }
    await syncDirectory(directory);
    await this.sweep(directory);
  }

  /** Deletes what killed processes left half-written, that of `own` whatever its age. Nobody's command fails for it. */
  async sweep(directory: string, own?: string): Promise<void> {
    const { join } = pathsOf(this.#parts.platform);
    const names = await readdir(directory).catch(() => []);
    for (const name of names.filter(isTemporaryName)) {
      const path = join(directory, name);
      const found = await lstat(path).catch(() => undefined);
      const entry = { name, modifiedAtMs: found?.mtimeMs ?? 0 };
      if (found !== undefined && (await isLeftover(entry, this.#parts, own))) {
        await rm(path, { recursive: true, force: true }).catch(() => undefined); // a later sweep may
      }
    }
  }
}

/** Node's own `recursive` says ENOENT where the file system is read-only (seen with Node 20), which would hide the reason. */
async function makeWithParents(path: string, dirname: (path: string) => string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    const parent = dirname(path);
    if (systemErrorCode(error) !== 'ENOENT' || parent === path) throw error;
    await makeWithParents(parent, dirname);
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** False when somebody else was faster: the target is a directory with files in it. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    // Windows says EPERM for every existing directory.
    if (
      ['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR'].includes(systemErrorCode(error) ?? '') &&
      (await exists(to))
    )
      return false;
    throw error;
  }
}

/** So that the new name survives a power cut. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    // Windows cannot open a directory, and some network file systems refuse the sync: the content itself is synced already.
  }
}
