import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError, InterruptedError, throwIfInterrupted } from '../core/errors.js';
import { PRIMARY_VOLUME_LENGTH, PRIMARY_VOLUME_OFFSET, parsePrimaryVolume } from '../core/iso9660.js';
import type { FileSwaps } from '../core/ports.js';
import { redactUrl } from '../core/redact.js';
import type { Reporter } from '../core/reporter.js';
import { get, type HttpAnswer, type HttpTools } from './http.js';
import { isWebPage, mebibytes, readableVolume } from './iso-file.js';
import { Meter } from './meter.js';
import { type OpenFile, PartFile, strongValidators, type Validators } from './part-file.js';
import { type RetryTools, withRetries } from './retry.js';
import { explainStatus } from './status-faults.js';
import { errorText } from './technical-error.js';
import { TransferFault } from './transfer-fault.js';
import { lookAtTheWay, withSteps } from './ways-out.js';

export interface FetchTools extends HttpTools, RetryTools {
  readonly swaps: FileSwaps;
  /** Bytes that may still be written in a directory; default: asks the file system. */
  readonly freeBytes?: ((directory: string) => Promise<number>) | undefined;
  /** How the unfinished file is opened; default: by the file system. */
  readonly openFile?: OpenFile | undefined;
}

export interface FetchRequest {
  readonly url: string;
  /** Absolute. Replaced only by a whole and checked file. */
  readonly target: string;
  /** The file must be an ISO 9660 image as long as it says. */
  readonly isImage: boolean;
  /** A directory that will get a copy of the file: there must be room for it too. */
  readonly copiedTo?: string | undefined;
  /** SHA-256, hex. */
  readonly digest?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Fetch only when the server's version is another one. */
  readonly unlessVersion?: Validators | undefined;
  /** A way out that is added to every failure, such as where to put the file by hand. */
  readonly byHand?: string | undefined;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

export type FetchResult =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'fetched';
      readonly bytes: number;
      /** SHA-256, hex. */
      readonly digest: string;
      readonly validators: Validators;
    };

/**
 * Downloads a file (P07-P09). Bytes go to `<target>.part`, which stays for a later run when this one fails or is interrupted; what
 * is there already is not fetched again while the server still has the same version. Then length, image and digest are checked,
 * and the file takes the place of `target`. Resets, stalls, 408, 429 and 5xx are tried again, with a limit.
 * Throws DownloadError, StoreError when the file cannot be put in place, or the signal's reason. The network's error is never
 * hidden by one of tidying up. One process at a time may fetch to a target: the caller holds a lock.
 */
export async function fetchFile(request: FetchRequest, tools: FetchTools): Promise<FetchResult> {
  throwIfInterrupted(request.signal);
  const { signal, reporter } = request;
  const part = await withRetries(
    () => openPart(request, tools),
    { signal, reporter, progress: () => 0 },
    tools,
  );
  const meter = new Meter(reporter);
  const transfer = { request, tools, part, meter };
  try {
    const unchanged = await withRetries(
      () => attempt(transfer),
      // What cannot be gone on with is no gain: the next try begins anew.
      { signal, reporter, progress: () => (part.canContinue ? part.size : 0) },
      tools,
    );
    if (!unchanged) return await putInPlace(transfer);
    await tidyUp(part, 'all', request, tools);
    return { kind: 'unchanged' };
  } catch (error) {
    await leaveForLater(transfer);
    throw withWaysOut(error, transfer);
  } finally {
    meter.end();
  }
}

interface Transfer {
  readonly request: FetchRequest;
  readonly tools: FetchTools;
  readonly part: PartFile;
  readonly meter: Meter;
}

/** With growing waits between them these take about a minute. */
const HELD_TRIES = 8;

/** A virus scanner may have the rest of an earlier run open for a moment. */
async function openPart(request: FetchRequest, tools: FetchTools): Promise<PartFile> {
  try {
    return await PartFile.open(request.target, request.url, tools.openFile);
  } catch (error) {
    if (error instanceof DownloadError && error.code === 'FILE_HELD')
      throw new TransferFault(error, { tries: HELD_TRIES });
    throw error;
  }
}

/** One try to complete the part; true when the server has nothing newer than what the caller has. */
async function attempt(transfer: Transfer): Promise<boolean> {
  const { request, part, tools } = transfer;
  if (isComplete(part)) return false;
  const condition = conditionHeaders(part, request.unlessVersion);
  const headers = { ...request.headers, ...rangeHeaders(part), ...condition };
  const { url, reporter, signal } = request;
  return get({ url, headers, followRedirects: true, reporter, signal }, tools, async (answer) => {
    if (answer.status === 304 && Object.keys(condition).length > 0) return true;
    await take(answer, transfer);
    return false;
  });
}

function isComplete(part: PartFile): boolean {
  return part.size > 0 && part.size === part.totalBytes;
}

function rangeHeaders(part: PartFile): Record<string, string> {
  const version = part.validators.etag ?? part.validators.lastModified;
  if (part.size === 0 || version === undefined) return {};
  return { range: `bytes=${part.size}-`, 'if-range': version };
}

function conditionHeaders(part: PartFile, version: Validators | undefined): Record<string, string> {
  if (part.size > 0 || version === undefined) return {};
  if (version.etag !== undefined) return { 'if-none-match': version.etag };
  return version.lastModified === undefined ? {} : { 'if-modified-since': version.lastModified };
}

/** Writes the answer's bytes to where they belong. */
async function take(answer: HttpAnswer, transfer: Transfer): Promise<void> {
  const { request, part, tools, meter } = transfer;
  if (answer.status === 206 && continues(answer, part)) {
    meter.begin(part.size, part.totalBytes);
  } else if (answer.status === 206 || answer.status === 416) {
    // The server changed its mind about the file between two tries, or never meant the range.
    await part.begin({ totalBytes: undefined });
    throw changed(request.url);
  } else if (answer.status === 200) {
    const totalBytes = lengthOf(answer);
    await part.begin({ ...strongValidators(answer.headers), totalBytes });
    meter.begin(0, totalBytes);
  } else {
    throw explainStatus(answer, tools.clock.now());
  }
  await checkRoom(transfer);
  let checked = !request.isImage || part.size >= HEAD_BYTES;
  for await (const chunk of answer.body) {
    await part.append(chunk);
    meter.update(part.size);
    if (!checked && part.size >= HEAD_BYTES) {
      checked = true;
      await checkHead(transfer);
    }
  }
  const totalBytes = part.totalBytes ?? (await lengthOfVolume(transfer));
  if (totalBytes !== undefined && part.size < totalBytes) throw endedEarly(transfer, totalBytes);
}

/** What an image says of itself: a server that gives no length ends an answer and breaks it off in the same way. */
async function lengthOfVolume({ request, part }: Transfer): Promise<number | undefined> {
  if (!request.isImage || part.size < HEAD_BYTES) return undefined;
  return parsePrimaryVolume(await part.read(PRIMARY_VOLUME_OFFSET, PRIMARY_VOLUME_LENGTH))?.volumeBytes;
}

const HEAD_BYTES = PRIMARY_VOLUME_OFFSET + PRIMARY_VOLUME_LENGTH;

/** True when a 206 answer is exactly the rest that is missing, of the same version. */
function continues(answer: HttpAnswer, part: PartFile): boolean {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '');
  if (range === null || part.size === 0 || Number(range[1]) !== part.size) return false;
  const { etag, lastModified } = part.validators;
  if (etag !== undefined && (answer.headers.etag ?? etag) !== etag) return false;
  if (lastModified !== undefined && (answer.headers['last-modified'] ?? lastModified) !== lastModified)
    return false;
  const total = range[3] === '*' ? part.totalBytes : Number(range[3]);
  return part.totalBytes === undefined || total === part.totalBytes;
}

function lengthOf(answer: HttpAnswer): number | undefined {
  const length = answer.headers['content-length'];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

/** A web page is told from an image by its first bytes, before the rest is fetched. */
async function checkHead(transfer: Transfer): Promise<void> {
  const { part, request } = transfer;
  const head = await part.read(0, HEAD_BYTES);
  try {
    readableVolume(head, Number.POSITIVE_INFINITY, subjectOf(request), wrongContentSteps(request, head));
  } catch (error) {
    await tidyUp(part, 'all', request, transfer.tools);
    throw error;
  }
}

/** Throws when the rest does not fit, nor the copy that follows: better now than after the download. */
async function checkRoom({ request, tools, part }: Transfer): Promise<void> {
  if (part.totalBytes === undefined) return;
  const { url, target, copiedTo } = request;
  const rest = part.totalBytes - part.size;
  const room = tools.freeBytes ?? freeBytesOf;
  const directory = dirname(target);
  if (copiedTo === undefined) return demandRoom(url, directory, rest, room);
  const copies = await existing(copiedTo);
  const isSameDisk = copies.disk === (await existing(directory)).disk;
  await demandRoom(url, directory, isSameDisk ? rest + part.totalBytes : rest, room, isSameDisk);
  if (!isSameDisk) await demandRoom(url, copies.directory, part.totalBytes, room);
}

/** The directory, or the nearest one above that is there already: it will be on the same disk. */
async function existing(directory: string): Promise<{ readonly directory: string; readonly disk: number }> {
  try {
    return { directory, disk: (await stat(directory)).dev };
  } catch (error) {
    if (dirname(directory) === directory) throw error;
    return existing(dirname(directory));
  }
}

async function demandRoom(
  url: string,
  directory: string,
  needed: number,
  room: (directory: string) => Promise<number>,
  isForBoth = false,
): Promise<void> {
  const free = await room(directory);
  if (free >= needed) return;
  throw new DownloadError({
    stage: 'disk',
    code: 'DISK_FULL',
    message: `There is no room for ${redactUrl(url)} in "${directory}"`,
    reason: `${mebibytes(needed)} are needed${
      isForBoth ? ' (for the file and the copy that is made of it)' : ''
    } and ${mebibytes(free)} are free`,
    nextSteps: ['free some space on that disk, or use another one: --storage-path'],
  });
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Checks the whole file, then swaps it in. */
async function putInPlace({ request, tools, part }: Transfer): Promise<FetchResult> {
  const { signal, reporter, isImage, digest: expected } = request;
  const head = isImage ? await part.read(0, HEAD_BYTES) : undefined;
  const digest = await part.digest(signal);
  try {
    if (head !== undefined) {
      readableVolume(head, part.size, subjectOf(request), wrongContentSteps(request, head));
    }
    if (expected !== undefined && expected.toLowerCase() !== digest) {
      throw wrongDigest(request, expected, digest);
    }
  } catch (error) {
    await tidyUp(part, 'all', request, tools);
    throw error;
  }
  await part.close();
  await tools.swaps.replace(part.path, request.target, { signal, onHeld: (line) => reporter.warn(line) });
  await tidyUp(part, 'notes', request, tools);
  return { kind: 'fetched', bytes: part.size, digest, validators: part.validators };
}

/** Never fails: a file that is held is named, and the next run takes care of it (P08). */
async function tidyUp(
  part: PartFile,
  what: 'notes' | 'all',
  request: FetchRequest,
  tools: FetchTools,
): Promise<void> {
  for (const path of await part.discard(tools.swaps, what)) {
    request.reporter.warn(`Note: "${path}" is held by another program and stays for now.`);
  }
}

function subjectOf(request: FetchRequest): string {
  return `What ${redactUrl(request.url)} gives`;
}

function wrongContentSteps(request: FetchRequest, head: Uint8Array): string[] {
  if (!isWebPage(head)) {
    return [
      `check the URL: it must be that of an ISO file such as boot2docker.iso, not of an archive or a checksum`,
    ];
  }
  return [
    `open ${redactUrl(request.url)} in a browser: log in or confirm what is asked there, then run the command again`,
    'check the proxy settings: HTTPS_PROXY, HTTP_PROXY, NO_PROXY',
  ];
}

function wrongDigest(request: FetchRequest, expected: string, found: string): DownloadError {
  return new DownloadError({
    stage: 'digest',
    code: 'DIGEST_MISMATCH',
    message: `${subjectOf(request)} is not the expected file`,
    reason: `its SHA-256 is ${found}, expected was ${expected.toLowerCase()}`,
    nextSteps: ['run the command again; if it happens again, do not use the file and tell whoever offers it'],
  });
}

function changed(url: string): TransferFault {
  const failure = new DownloadError({
    stage: 'content',
    code: 'CHANGED_ON_THE_WAY',
    message: `Cannot download ${redactUrl(url)}: the file changed between two tries, or the server mixes up its parts`,
    nextSteps: ['run the command again later'],
  });
  return new TransferFault(failure, { tries: 3 });
}

function endedEarly({ request, part }: Transfer, totalBytes: number): TransferFault {
  const failure = new DownloadError({
    stage: 'content',
    code: 'ENDED_EARLY',
    message: `Cannot download ${redactUrl(request.url)}: it ended after ${mebibytes(part.size)} of ${mebibytes(totalBytes)}`,
    nextSteps: [
      'run the command again',
      'if it ends early each time, something on the way limits what may be downloaded: a proxy or a virus scanner; ask whoever runs it',
    ],
  });
  return new TransferFault(failure, { tries: 5 });
}

/** After a failure: what may serve a later run is kept, nothing else. */
async function leaveForLater({ part, request, tools }: Transfer): Promise<void> {
  try {
    await part.close();
    if (!part.canContinue) await tidyUp(part, 'all', request, tools);
  } catch (error) {
    // The failure that brought us here is the one to show.
    request.reporter.debug(`closing "${part.path}": ${errorText(error)}`);
  }
}

/** The same error with what the next run keeps, and how to do without the network. */
function withWaysOut(error: unknown, { part, request }: Transfer): unknown {
  const total = part.totalBytes === undefined ? '' : ` of ${mebibytes(part.totalBytes)}`;
  const kept = part.canContinue
    ? [`${mebibytes(part.size)}${total} are kept: the next run goes on from there`]
    : [];
  if (error instanceof InterruptedError)
    return new InterruptedError(error.message, [...error.nextSteps, ...kept]);
  if (!(error instanceof DownloadError) || error.stage === 'disk') return error;
  const byHand = request.byHand === undefined ? [] : [request.byHand];
  return withSteps(error, [...lookAtTheWay(error, request.url), ...kept, ...byHand]);
}
