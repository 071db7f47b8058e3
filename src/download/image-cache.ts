import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../core/errors.js';
import { isJsonObject } from '../core/json.js';
import type { Clock, FileSwaps } from '../core/ports.js';
import type { Reporter } from '../core/reporter.js';
import type { Validators } from './part-file.js';
import { errorText } from './technical-error.js';

/** The image that docker-machine puts and looks for here, too. */
export const DEFAULT_ENTRY = 'boot2docker.iso';

/** The cache entry of a URL: each URL has its own, so that two never replace each other. */
export function entryOf(url: string): string {
  return `boot2docker-${createHash('sha256').update(url).digest('hex').slice(0, 16)}.iso`;
}

/** What is noted of a cached image that came from a URL: `<entry>.json`. */
export interface EntryNotes extends Validators {
  /** SHA-256 of the URL that the bytes came from, which may be another than the one asked for: that of a release. */
  readonly source: string;
  /** SHA-256 of the image, hex. */
  readonly digest: string;
}

export function sourceOf(url: string): string {
  return createHash('sha256').update(url).digest('hex');
}

/** Makes the cache directory, with the contract's line 4, or sweeps it when it is there. Throws StoreError. */
export async function prepareCache(
  directory: string,
  reporter: Reporter,
  tools: { readonly clock: Clock; readonly swaps: FileSwaps },
): Promise<void> {
  try {
    if (await exists(directory)) return await sweepLeftovers(directory, tools);
    reporter.step(`Image cache directory does not exist, creating it at ${directory}...`);
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError({
      code: 'CACHE_UNUSABLE',
      message: `The image cache "${directory}" cannot be used`,
      reason: errorText(error),
      nextSteps: [`make "${directory}" a directory of yours, or use another store: --storage-path`],
      cause: error,
    });
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Deletes what nobody will go on with (P08): temporary files that docker-machine left in the cache (`boot2docker.iso.tmp...`) after a
 * day, unfinished downloads of ours after a month. What is still held stays, without a word.
 */
async function sweepLeftovers(
  directory: string,
  tools: { readonly clock: Clock; readonly swaps: FileSwaps },
): Promise<void> {
  for (const name of await readdir(directory)) {
    const days = lifeInDays(name);
    if (days === undefined) continue;
    const path = join(directory, name);
    const modifiedMs = await stat(path).then(
      (facts) => facts.mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (tools.clock.now() - modifiedMs > days * DAY_MS) await tools.swaps.discard(path);
  }
}

function lifeInDays(name: string): number | undefined {
  if (name.startsWith(`${DEFAULT_ENTRY}.tmp`)) return 1;
  return /^boot2docker(-[0-9a-f]{16})?\.iso\.part(\.json)?$/.test(name) ? 30 : undefined;
}

/** Undefined when there are none or they cannot be read: the image is then fetched again. */
export async function readEntryNotes(path: string): Promise<EntryNotes | undefined> {
  try {
    const notes: unknown = JSON.parse(await readFile(`${path}.json`, 'utf8'));
    if (!isJsonObject(notes) || typeof notes.source !== 'string' || typeof notes.digest !== 'string') {
      return undefined;
    }
    const etag = typeof notes.etag === 'string' ? notes.etag : undefined;
    const lastModified = typeof notes.lastModified === 'string' ? notes.lastModified : undefined;
    return { source: notes.source, digest: notes.digest, etag, lastModified };
  } catch {
    return undefined;
  }
}

/** Without its notes an image is only fetched once more: that they cannot be written is no failure. */
export async function writeEntryNotes(path: string, notes: EntryNotes, reporter: Reporter): Promise<void> {
  try {
    await writeFile(`${path}.json`, `${JSON.stringify(notes)}\n`, { mode: 0o600 });
  } catch (error) {
    reporter.debug(`"${path}.json" cannot be written: ${errorText(error)}`);
  }
}

/** A text that is another one after the file was replaced or written to; undefined when there is none. */
export async function fileStamp(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}

/** False also for what cannot be looked at: whoever reads or writes it next says why. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
