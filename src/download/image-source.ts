import { basename, join } from 'node:path';
import { compareEngineVersions } from '../core/engine-version.js';
import { DownloadError } from '../core/errors.js';
import type { MachineImage } from '../core/machine.js';
import type { BootImage, ImageSource, LockOptions } from '../core/ports.js';
import { redactUrl } from '../core/redact.js';
import type { Reporter } from '../core/reporter.js';
import { latestImageUrl, latestRelease, type Release, type Releases } from './boot2docker-release.js';
import { oldEngineWarning } from './engine-age.js';
import { type FetchTools, fetchFile } from './fetch-file.js';
import {
  DEFAULT_ENTRY,
  type EntryNotes,
  entryOf,
  exists,
  fileStamp,
  prepareCache,
  readEntryNotes,
  sourceOf,
  writeEntryNotes,
} from './image-cache.js';
import { parseImageLocation } from './image-location.js';
import { describeIso } from './iso-file.js';
import { fromFirstOf } from './mirrors.js';
import { lookAtTheWay, withSteps } from './ways-out.js';

/** An image that came with an installed package. */
export interface GuestPackage {
  readonly path: string;
  /** SHA-256 that this release knows for it, hex, lower case; empty: none. A path with several known digests comes several times. */
  readonly digest: string;
}

export interface ImageSourceSetup extends FetchTools {
  /** `<store>/cache`. */
  readonly cacheDirectory: string;
  /** Where machines get their copies. */
  readonly machinesDirectory: string;
  readonly platform: 'linux' | 'darwin' | 'win32';
  /** One process at a time works on a cache entry; the others wait. */
  readonly lock: <T>(entry: string, options: LockOptions, work: () => Promise<T>) => Promise<T>;
  /** Where the latest release is looked for. */
  readonly releases: Releases;
  readonly githubToken?: string | undefined;
  /** Further URLs of the image, asked in this order when the one before fails. */
  readonly mirrors?: readonly string[] | undefined;
  /** SHA-256 that the image must have, hex; another one is refused. */
  readonly digest?: string | undefined;
  /** Looked at in this order. */
  readonly guestPackages: readonly GuestPackage[];
  /** SHA-256 digests, hex, lower case: an image with another one is used, and said to be unverified. */
  readonly knownDigests: ReadonlySet<string>;
}

interface LocateRequest {
  readonly url: string;
  readonly newest?: boolean;
  readonly forCache?: boolean;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

const SILENT: Reporter = {
  step: () => undefined,
  warn: () => undefined,
  debug: () => undefined,
  progress: () => ({ update: () => undefined, end: () => undefined }),
};

/** A download takes as long as it takes; a dead holder's lock is broken by the store, a live one is worth waiting for. */
const LOCK_WAIT_MS = 6 * 60 * 60 * 1000;

/**
 * Images in the order of the design: what the URL flag names, the cached boot2docker.iso (without any network call), an installed
 * package, the latest release.
 *
 * Unlike docker-machine, which fetches the image of a URL flag anew for every machine, one URL is fetched once, into a cache entry
 * of its own; later uses ask the server whether it has another version, and go on without it when it cannot be reached.
 */
export function createImageSource(setup: ImageSourceSetup): ImageSource {
  return {
    describe: (path) => describeIso(path),
    findLocal: (signal) => localImage({ url: '', reporter: SILENT, signal }, setup),
    locate: async (request) => {
      const image = await locate(request, setup);
      if (isAnother(image.digest, setup)) throw notTheOneAskedFor(image, setup.digest ?? '');
      const warning = oldEngineWarning(image.version);
      if (warning !== undefined) request.reporter.warn(warning);
      if (
        setup.digest === undefined &&
        !setup.knownDigests.has(image.digest) &&
        !setup.guestPackages.some((known) => known.digest === image.digest)
      ) {
        request.reporter.step(
          `This image is not verified: its SHA-256 ${image.digest} is not known to this release.`,
        );
      }
      return image;
    },
  };
}

/** True when a certain image is wanted and this is not it. */
function isAnother(digest: string, setup: ImageSourceSetup): boolean {
  return setup.digest !== undefined && setup.digest.toLowerCase() !== digest;
}

function notTheOneAskedFor(image: BootImage, wanted: string): DownloadError {
  return new DownloadError({
    stage: 'digest',
    code: 'DIGEST_MISMATCH',
    message: `The boot image "${image.path}" is not the one asked for`,
    reason: `its SHA-256 is ${image.digest}, --image-digest says ${wanted.toLowerCase()}`,
    nextSteps: ['check the digest, or delete the file: a missing image is downloaded'],
  });
}

async function locate(request: LocateRequest, setup: ImageSourceSetup): Promise<BootImage> {
  const location = parseImageLocation(request.url, setup.platform);
  if (location.kind === 'file') {
    await warnOfPinnedUrl(request, setup);
    return {
      ...(await describeIso(location.path, request.signal, BETTER_FILE)),
      path: location.path,
      origin: location.path,
    };
  }
  await prepareCache(setup.cacheDirectory, request.reporter, setup);
  if (location.kind === 'default') return defaultImage(request, setup);
  await warnOfPinnedUrl(request, setup);
  return location.kind === 'url'
    ? imageOfUrl(location.url, request, setup)
    : imageOfReleases(location.releases, request, setup);
}

const BETTER_FILE = [
  'give the path of a whole boot2docker.iso; for where to download one: tmachine image pull --print-url',
];

/** The contract's line 5d: for a machine only. */
async function warnOfPinnedUrl(request: LocateRequest, setup: ImageSourceSetup): Promise<void> {
  if (request.forCache === true || !(await exists(join(setup.cacheDirectory, DEFAULT_ENTRY)))) return;
  request.reporter.warn(
    `Boot2Docker URL was explicitly set to "${redactUrl(request.url)}" at create time, so Docker Machine cannot upgrade this machine to the latest version.`,
  );
}

/** The cached image, else that of an installed package. */
async function localImage(request: LocateRequest, setup: ImageSourceSetup): Promise<BootImage | undefined> {
  const path = join(setup.cacheDirectory, DEFAULT_ENTRY);
  return (await exists(path)) ? cachedDefault(path, request) : packagedImage(request, setup);
}

async function defaultImage(request: LocateRequest, setup: ImageSourceSetup): Promise<BootImage> {
  const path = join(setup.cacheDirectory, DEFAULT_ENTRY);
  const local = await localImage(request, setup);
  if (local !== undefined) return request.newest === true ? newerThan(local, request, setup) : local;
  request.reporter.step('No default Boot2Docker ISO found locally, downloading the latest release...');
  return alone(DEFAULT_ENTRY, request, setup, async () => {
    if (await exists(path)) return cachedDefault(path, request);
    const { reporter, signal } = request;
    const release = await releaseOrMirrors(request, setup).catch((error: unknown) => {
      if (!(error instanceof DownloadError)) throw error;
      throw withSteps(error, [...lookAtTheWay(error, setup.releases.webUrl), byHandInto(path, setup)]);
    });
    if (release !== undefined) announce(setup.releases, release, path, reporter);
    const byHand = byHandInto(path, setup);
    const { url } = await fromFirstOf(
      [...(release === undefined ? [] : [release.imageUrl]), ...(setup.mirrors ?? [])],
      (url) => {
        // A mirror of the release has the same bytes.
        const digest = setup.digest ?? release?.digest;
        const copiedTo = copyOf(DEFAULT_ENTRY, request, setup);
        return fetchFile(
          { url, target: path, isImage: true, copiedTo, digest, byHand, reporter, signal },
          setup,
        );
      },
      reporter,
    );
    return { ...(await describeIso(path, signal)), path, origin: redactUrl(url) };
  });
}

/** The latest release; undefined when it cannot be told and there are mirrors to ask in its place. */
async function releaseOrMirrors(
  request: LocateRequest,
  setup: ImageSourceSetup,
): Promise<Release | undefined> {
  try {
    return await latestRelease(setup.releases, tokenFor(request, setup), setup);
  } catch (error) {
    const [mirror] = setup.mirrors ?? [];
    if (!(error instanceof DownloadError) || mirror === undefined) throw error;
    request.reporter.warn(`${error.message}. Trying another mirror: ${redactUrl(mirror)}`);
    return undefined;
  }
}

/** The latest release when it is newer than what is there, else what is there. Prints the contract's lines 5b and 5c. */
async function newerThan(
  local: BootImage,
  request: LocateRequest,
  setup: ImageSourceSetup,
): Promise<BootImage> {
  const path = join(setup.cacheDirectory, DEFAULT_ENTRY);
  const { reporter, signal } = request;
  return alone(DEFAULT_ENTRY, request, setup, async (isFresh) => {
    if (isFresh) return cachedDefault(path, request);
    try {
      const release = await latestRelease(setup.releases, tokenFor(request, setup), setup);
      if (local.version !== '' && compareEngineVersions(release.tag, local.version) <= 0) return local;
      reporter.step('Default Boot2Docker ISO is out-of-date, downloading the latest release...');
      announce(setup.releases, release, path, reporter);
      const { imageUrl: url } = release;
      const digest = setup.digest ?? release.digest;
      const copiedTo = copyOf(DEFAULT_ENTRY, request, setup);
      await fetchFile({ url, target: path, isImage: true, copiedTo, digest, reporter, signal }, setup);
      return { ...(await describeIso(path, signal)), path, origin: url };
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      // The contract's line 5c, with its two spaces.
      reporter.warn(`Unable to get the latest Boot2Docker ISO release version:  ${error.message}`);
      return local;
    }
  });
}

async function cachedDefault(path: string, request: LocateRequest): Promise<BootImage> {
  return { ...(await describeIso(path, request.signal)), path, origin: path };
}

/** An installed package's image, if it is one that this release knows. */
async function packagedImage(
  request: LocateRequest,
  setup: ImageSourceSetup,
): Promise<BootImage | undefined> {
  for (const path of new Set(setup.guestPackages.map((known) => known.path))) {
    if (!(await exists(path))) continue;
    const facts = await describeIso(path, request.signal);
    const digests = setup.guestPackages.filter((known) => known.path === path).map(({ digest }) => digest);
    if (digests.includes(facts.digest)) {
      request.reporter.step(`No default Boot2Docker ISO found locally, using ${path}...`);
      return { ...facts, path, origin: path };
    }
    const known = digests.filter((digest) => digest !== '').join(', ') || 'none';
    request.reporter.warn(
      `"${path}" is not used: its SHA-256 is ${facts.digest}, this release knows ${known}.`,
    );
  }
  return undefined;
}

async function imageOfUrl(url: string, request: LocateRequest, setup: ImageSourceSetup): Promise<BootImage> {
  const entry = entryOf(url);
  const path = join(setup.cacheDirectory, entry);
  const origin = redactUrl(url);
  return alone(entry, request, setup, async (isFresh) => {
    const cached = await cachedEntry(path, request, setup);
    if (isFresh && cached !== undefined) return { ...cached.facts, path, origin };
    if (cached === undefined) {
      request.reporter.step(downloading(path, url));
      const { url: used } = await fromFirstOf(
        [url, ...(setup.mirrors ?? [])],
        (from) => fetchImage({ url: from, path }, request, setup),
        request.reporter,
      );
      return { ...(await describeIso(path, request.signal)), path, origin: redactUrl(used) };
    }
    try {
      request.reporter.step(`Looking for a newer image at ${origin}...`);
      // What came from a mirror has that one's validators.
      const unlessVersion = cached.notes.source === sourceOf(url) ? cached.notes : undefined;
      await fetchImage({ url, path, unlessVersion }, request, setup);
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      request.reporter.warn(`${error.message}. Using the image of an earlier download: ${path}`);
    }
    return { ...(await describeIso(path, request.signal)), path, origin };
  });
}

async function imageOfReleases(
  releases: Releases,
  request: LocateRequest,
  setup: ImageSourceSetup,
): Promise<BootImage> {
  const entry = entryOf(releases.apiUrl);
  const path = join(setup.cacheDirectory, entry);
  return alone(entry, request, setup, async (isFresh) => {
    const cached = await cachedEntry(path, request, setup);
    const old = cached === undefined ? undefined : { ...cached.facts, path, origin: path };
    if (isFresh && old !== undefined) return old;
    try {
      const release = await latestRelease(releases, tokenFor(request, setup), setup);
      if (old !== undefined && cached?.notes.source === sourceOf(release.imageUrl)) return old;
      announce(releases, release, path, request.reporter);
      await fetchImage({ url: release.imageUrl, path, digest: release.digest }, request, setup);
      return { ...(await describeIso(path, request.signal)), path, origin: release.imageUrl };
    } catch (error) {
      if (!(error instanceof DownloadError) || old === undefined) throw error;
      // The contract's line 5c, with its two spaces.
      request.reporter.warn(`Unable to get the latest Boot2Docker ISO release version:  ${error.message}`);
      return old;
    }
  });
}

interface ImageFetch {
  readonly url: string;
  readonly path: string;
  readonly digest?: string | undefined;
  readonly unlessVersion?: EntryNotes | undefined;
}

/** Fetches into the cache entry of a URL and notes what was fetched. */
async function fetchImage(fetch: ImageFetch, request: LocateRequest, setup: ImageSourceSetup): Promise<void> {
  const { url, path, unlessVersion } = fetch;
  const { reporter, signal } = request;
  const digest = setup.digest ?? fetch.digest;
  const copiedTo = copyOf(basename(path), request, setup);
  const result = await fetchFile(
    { url, target: path, isImage: true, copiedTo, digest, unlessVersion, reporter, signal },
    setup,
  );
  if (result.kind === 'unchanged') return;
  const notes = { source: sourceOf(url), digest: result.digest, ...result.validators };
  await writeEntryNotes(path, notes, reporter);
}

/** A cached image of a URL, unless it is not what was fetched then, or not what is wanted now. */
async function cachedEntry(
  path: string,
  request: LocateRequest,
  setup: ImageSourceSetup,
): Promise<{ readonly facts: MachineImage; readonly notes: EntryNotes } | undefined> {
  const notes = await readEntryNotes(path);
  if (notes === undefined || !(await exists(path))) return undefined;
  try {
    const facts = await describeIso(path, request.signal);
    return facts.digest === notes.digest && !isAnother(facts.digest, setup) ? { facts, notes } : undefined;
  } catch (error) {
    // Damaged since: it is fetched anew.
    if (error instanceof DownloadError) return undefined;
    throw error;
  }
}

/** Where the image of an entry is copied next: to a machine's folder, or to the place of the image that `create` takes. */
function copyOf(entry: string, request: LocateRequest, setup: ImageSourceSetup): string | undefined {
  if (request.forCache !== true) return setup.machinesDirectory;
  return entry === DEFAULT_ENTRY ? undefined : setup.cacheDirectory;
}

/** One process at a time. `isFresh`: another one put the image there while we waited, so that there is nothing more to ask for. */
async function alone<T>(
  entry: string,
  request: LocateRequest,
  setup: ImageSourceSetup,
  work: (isFresh: boolean) => Promise<T>,
): Promise<T> {
  const path = join(setup.cacheDirectory, entry);
  const before = await fileStamp(path);
  const { reporter, signal } = request;
  const onWait = (holder: string) => reporter.step(`Waiting for ${holder}, which gets the same image...`);
  return setup.lock(entry, { signal, onWait, waitMs: LOCK_WAIT_MS }, async () => {
    const after = await fileStamp(path);
    return work(after !== undefined && after !== before);
  });
}

function tokenFor({ reporter, signal }: LocateRequest, setup: ImageSourceSetup) {
  return { token: setup.githubToken, reporter, signal };
}

/** The contract's lines 6 and 7. */
function announce(releases: Releases, release: Release, path: string, reporter: Reporter): void {
  reporter.step(`Latest release for ${releases.name} is ${release.tag}`);
  reporter.step(downloading(path, release.imageUrl));
}

function downloading(path: string, url: string): string {
  return `Downloading ${path} from ${redactUrl(url)}...`;
}

function byHandInto(path: string, { releases }: ImageSourceSetup): string {
  return `or download ${latestImageUrl(releases)} by hand, on any computer, and put it there: ${path}`;
}
