import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DownloadError, StoreError, UsageError } from '../core/errors.js';
import type { FileSwaps, ImageShelf, LockOptions, ShelvedImage } from '../core/ports.js';
import { latestImageUrl, type Releases } from './boot2docker-release.js';
import { DEFAULT_ENTRY, readEntryNotes } from './image-cache.js';
import { parseImageLocation } from './image-location.js';
import type { GuestPackage } from './image-source.js';
import { describeIso } from './iso-file.js';
import { errorCode, errorText } from './technical-error.js';

export interface ImageShelfSetup {
  /** `<store>/cache`. */
  readonly cacheDirectory: string;
  readonly platform: 'linux' | 'darwin' | 'win32';
  readonly swaps: FileSwaps;
  readonly lock: <T>(entry: string, options: LockOptions, work: () => Promise<T>) => Promise<T>;
  readonly releases: Releases;
  readonly guestPackages: readonly GuestPackage[];
  readonly knownDigests: ReadonlySet<string>;
}

/** The images in the cache and in installed packages. Files of the cache that are no images of ours are left alone. */
export function createImageShelf(setup: ImageShelfSetup): ImageShelf {
  const knows = (digest: string) =>
    setup.knownDigests.has(digest) || setup.guestPackages.some((known) => known.digest === digest);
  return {
    defaultPath: join(setup.cacheDirectory, DEFAULT_ENTRY),
    knows,
    async list(signal) {
      const images: ShelvedImage[] = [];
      for (const name of (await namesIn(setup.cacheDirectory)).toSorted()) {
        const kind = kindOf(name);
        if (kind === undefined) continue;
        const image = await shelved(join(setup.cacheDirectory, name), kind, knows, signal);
        if (image !== undefined) images.push(image);
      }
      for (const { path } of setup.guestPackages) {
        const image = await shelved(path, 'package', knows, signal);
        if (image !== undefined) images.push(image);
      }
      return images;
    },
    look: (path, signal) => shelved(path, 'file', knows, signal),
    remove: (image, signal) => remove(image, signal, setup),
    browserUrl(url) {
      const location = parseImageLocation(url, setup.platform);
      switch (location.kind) {
        case 'default':
          return latestImageUrl(setup.releases);
        case 'releases':
          return latestImageUrl(location.releases);
        case 'url':
          return location.url;
        case 'file':
          throw new UsageError({
            message: `"${url}" is a file: there is nothing to download`,
            nextSteps: [`take it as it is: tmachine image pull "${url}"`],
          });
      }
    },
  };
}

function kindOf(name: string): ShelvedImage['kind'] | undefined {
  if (name === DEFAULT_ENTRY) return 'default';
  if (/^boot2docker-[0-9a-f]{16}\.iso$/.test(name)) return 'url';
  if (/^boot2docker(?:-[0-9a-f]{16})?\.iso\.(?:part|tmp.*)$/.test(name)) return 'unfinished';
  return undefined;
}

async function shelved(
  path: string,
  kind: ShelvedImage['kind'],
  knows: (digest: string) => boolean,
  signal: AbortSignal,
): Promise<ShelvedImage | undefined> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined || !facts.isFile()) return undefined;
  const image = { path, kind, bytes: facts.size };
  if (kind === 'unfinished') return { ...image, isVerified: false };
  try {
    const found = await describeIso(path, signal);
    const notes = await readEntryNotes(path);
    if (notes !== undefined && notes.digest !== found.digest) {
      return { ...image, facts: found, isVerified: false, fault: 'it has changed since it was downloaded' };
    }
    return { ...image, facts: found, isVerified: knows(found.digest) };
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    return { ...image, isVerified: false, fault: error.reason ?? error.message };
  }
}

/** Under the entry's lock, without waiting: who holds it is just getting this very image. */
async function remove(image: ShelvedImage, signal: AbortSignal, setup: ImageShelfSetup): Promise<boolean> {
  if (image.kind === 'package' || image.kind === 'file') return false;
  const entry = basename(image.path).replace(/\.(?:part|tmp.*)$/, '');
  try {
    return await setup.lock(entry, { signal, waitMs: 0 }, async () => {
      const gone = await setup.swaps.discard(image.path);
      if (gone) await rm(`${image.path}.json`, { force: true });
      return gone;
    });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return false;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw new StoreError({
      code: 'CACHE_UNUSABLE',
      message: `The image cache "${directory}" cannot be read`,
      reason: errorText(error),
      nextSteps: [`make "${directory}" a directory of yours, or use another store: --storage-path`],
      cause: error,
    });
  }
}
