import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError, TmachineError } from '../core/errors.js';
import { isJsonObject } from '../core/json.js';
import type { FileSwaps } from '../core/ports.js';
import { sha256Of } from './file-digest.js';
import { errorCode, errorText } from './technical-error.js';
import { WriteBehind } from './write-behind.js';

/** What tells one version of a remote file from another (RFC 9110 section 8.8). */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** `open` of node:fs/promises, as far as it is needed. */
export type OpenFile = (path: string, flags: string, mode: number) => Promise<FileHandle>;

/** What is noted beside a `.part`, so that a later run can go on with it. */
interface PartNotes extends Validators {
  /** SHA-256 of the URL: the URL itself may carry secrets. */
  readonly source: string;
  readonly totalBytes?: number | undefined;
}

/**
 * The unfinished download of one URL: `<target>.part`, with its notes in `<target>.part.json`. It outlives this process. One
 * process at a time may use it (a lock is the caller's business).
 */
export class PartFile {
  readonly path: string;
  readonly #notesPath: string;
  readonly #source: string;
  #notes: PartNotes | undefined;
  #handle: FileHandle | undefined;
  #writer: WriteBehind | undefined;
  #size = 0;

  private constructor(target: string, url: string) {
    this.path = `${target}.part`;
    this.#notesPath = `${target}.part.json`;
    this.#source = createHash('sha256').update(url).digest('hex');
  }

  /**
   * Opens what an earlier try left, or an empty one: a rest of another URL, or one without a validator, is not used.
   * Throws DownloadError (stage disk), with the code FILE_HELD when another program has it open.
   */
  static async open(target: string, url: string, openFile: OpenFile = open): Promise<PartFile> {
    const part = new PartFile(target, url);
    await onDisk(part.path, async () => {
      await mkdir(dirname(part.path), { recursive: true, mode: 0o700 });
      part.#notes = await readNotes(part.#notesPath, part.#source);
      // Not "a+": append mode ignores positions on Linux.
      const asItIs = part.#notes === undefined ? undefined : await openExisting(part.path, openFile);
      const handle = asItIs ?? (await openFile(part.path, 'w+', 0o600));
      part.#handle = handle;
      part.#size = (await handle.stat()).size;
      part.#writer = new WriteBehind(handle, part.#size);
    });
    return part;
  }

  /** Bytes that need not be fetched again. */
  get size(): number {
    return this.#size;
  }

  /** True when a later run can use what is there. */
  get canContinue(): boolean {
    return this.#size > 0 && (this.#notes?.etag ?? this.#notes?.lastModified) !== undefined;
  }

  /** Undefined when the server did not say. */
  get totalBytes(): number | undefined {
    return this.#notes?.totalBytes;
  }

  /** Of the version that the bytes belong to. */
  get validators(): Validators {
    return { etag: this.#notes?.etag, lastModified: this.#notes?.lastModified };
  }

  /** Begins anew: what was there is dropped. Without a strong validator the rest is of no use to a later run and says so. */
  async begin(version: Validators & { readonly totalBytes: number | undefined }): Promise<void> {
    await onDisk(this.path, async () => {
      // In this order: killed in between, there are no notes that describe other bytes.
      await writeFile(this.#notesPath, '', { mode: 0o600 });
      const handle = this.#opened();
      await this.#writer?.flush();
      await handle.truncate(0);
      this.#writer = new WriteBehind(handle, 0);
      this.#size = 0;
      this.#notes = { source: this.#source, ...version };
      await writeFile(this.#notesPath, `${JSON.stringify(this.#notes)}\n`, { mode: 0o600 });
    });
  }

  /** Adds bytes at the end; they are on their way to the disk, not there, when this resolves. */
  async append(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    await onDisk(this.path, async () => this.#writer?.add(chunk));
  }

  /** Up to `length` bytes from `offset`. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    return onDisk(this.path, async () => {
      await this.#writer?.flush();
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await this.#opened().read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
  }

  /** SHA-256 of all bytes as they are on disk, hex. Throws the signal's reason. */
  async digest(signal: AbortSignal): Promise<string> {
    return onDisk(this.path, async () => {
      await this.#writer?.flush();
      return sha256Of(this.#opened(), signal);
    });
  }

  /** Makes the bytes safe on disk and lets go of the file. Safe to call twice. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    try {
      await onDisk(this.path, async () => {
        await this.#writer?.flush();
        await handle.sync();
      });
    } finally {
      await handle.close();
    }
  }

  /** Deletes the notes, and after a failure the bytes too. Closes first. Returns the files that are held by someone (P08). */
  async discard(swaps: FileSwaps, what: 'notes' | 'all'): Promise<string[]> {
    await this.close();
    if (what === 'all') this.#size = 0;
    const paths = what === 'all' ? [this.#notesPath, this.path] : [this.#notesPath];
    const held: string[] = [];
    for (const path of paths) {
      if (!(await swaps.discard(path))) held.push(path);
    }
    return held;
  }

  #opened(): FileHandle {
    if (this.#handle === undefined) throw new TypeError(`"${this.path}" has been closed`);
    return this.#handle;
  }
}

/**
 * Which validators of an answer may be used to go on later. A weak ETag says nothing about bytes; Last-Modified has a grain of a
 * second, so that it counts only when the answer is younger (RFC 9110 sections 8.8.2.2 and 13.1.5).
 */
export function strongValidators(headers: {
  readonly etag?: string | undefined;
  readonly 'last-modified'?: string | undefined;
  readonly date?: string | undefined;
}): Validators {
  const etag = headers.etag?.startsWith('"') === true ? headers.etag : undefined;
  const modified = headers['last-modified'];
  const age = Date.parse(headers.date ?? '') - Date.parse(modified ?? '');
  return { etag, lastModified: age >= 1000 ? modified : undefined };
}

/** Undefined when the notes are of another source, have no validator, or cannot be read. */
async function readNotes(path: string, source: string): Promise<PartNotes | undefined> {
  let notes: unknown;
  try {
    notes = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    // Missing or torn notes: the download begins anew.
    return undefined;
  }
  if (!isJsonObject(notes) || notes.source !== source) return undefined;
  const etag = typeof notes.etag === 'string' ? notes.etag : undefined;
  const lastModified = typeof notes.lastModified === 'string' ? notes.lastModified : undefined;
  const totalBytes = typeof notes.totalBytes === 'number' ? notes.totalBytes : undefined;
  return etag === undefined && lastModified === undefined
    ? undefined
    : { source, etag, lastModified, totalBytes };
}

async function openExisting(path: string, openFile: OpenFile): Promise<FileHandle | undefined> {
  try {
    return await openFile(path, 'r+', 0o600);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TmachineError) throw error;
    throw diskFailure(path, error);
  }
}

function diskFailure(path: string, error: unknown): DownloadError {
  const technical = { stage: 'disk', reason: errorText(error), cause: error } as const;
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DownloadError({
        ...technical,
        code: 'DISK_FULL',
        message: `There is no room left for "${path}"`,
        nextSteps: [`free some space on the disk of "${dirname(path)}" and run the command again`],
      });
    case 'EBUSY':
    case 'EPERM':
      return new DownloadError({
        ...technical,
        code: 'FILE_HELD',
        message: `"${path}" is held by another program`,
        nextSteps: ['wait for a virus scanner or backup to end, or close the program that has it open'],
      });
    default:
      return new DownloadError({
        ...technical,
        code: 'FILE_UNUSABLE',
        message: `"${path}" cannot be written`,
        nextSteps: [`make "${dirname(path)}" a directory that you may write to`],
      });
  }
}
