import { open } from 'node:fs/promises';
import { DownloadError, TmachineError } from '../core/errors.js';
import {
  engineVersionOf,
  isOneStepImage,
  PRIMARY_VOLUME_LENGTH,
  PRIMARY_VOLUME_OFFSET,
  type PrimaryVolume,
  parsePrimaryVolume,
} from '../core/iso9660.js';
import type { MachineImage } from '../core/machine.js';
import { sha256Of } from './file-digest.js';
import { errorCode, errorText } from './technical-error.js';

/**
 * The facts of a boot image on disk; `nextSteps` are for a file that is none. The whole file is read for its digest: 60 MiB take about 40 ms, so that nothing is cached.
 * Throws DownloadError: stage disk when the file cannot be read, stage content when it is no whole boot image.
 */
export async function describeIso(
  path: string,
  signal?: AbortSignal,
  nextSteps: readonly string[] = [
    'put a whole boot2docker.iso in its place, or delete it: what is missing in the cache is downloaded',
  ],
): Promise<MachineImage> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(PRIMARY_VOLUME_OFFSET + PRIMARY_VOLUME_LENGTH);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const volume = readableVolume(head.subarray(0, bytesRead), size, `"${path}"`, nextSteps);
    return {
      version: engineVersionOf(volume.volumeId) ?? '',
      digest: await sha256Of(file, signal),
      oneStep: isOneStepImage(volume.applicationId),
    };
  } catch (error) {
    throw error instanceof TmachineError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

/**
 * Finds the volume in the first bytes of an image of `size` bytes. Throws DownloadError (stage content) that names `subject`
 * when there is none, telling a web page apart, or when the file is shorter than its volume.
 */
export function readableVolume(
  head: Uint8Array,
  size: number,
  subject: string,
  nextSteps: readonly string[],
): PrimaryVolume {
  const volume = parsePrimaryVolume(head.subarray(PRIMARY_VOLUME_OFFSET));
  if (volume === undefined) throw notAnImage(head, subject, nextSteps);
  if (size < volume.volumeBytes) {
    throw new DownloadError({
      stage: 'content',
      code: 'IMAGE_CUT_SHORT',
      message: `${subject} is not a whole boot image`,
      reason: `it has ${mebibytes(size)} of the ${mebibytes(volume.volumeBytes)} that it says it has: a download of it was cut`,
      nextSteps,
    });
  }
  return volume;
}

/** The refusal of bytes that are no ISO image: a login page or a proxy's message is the usual cause (P07). */
export function notAnImage(head: Uint8Array, subject: string, nextSteps: readonly string[]): DownloadError {
  const page = webPageTitle(head);
  return new DownloadError({
    stage: 'content',
    code: page === undefined ? 'NOT_AN_IMAGE' : 'WEB_PAGE',
    message: `${subject} is ${page === undefined ? 'not a boot image' : 'a web page, not a boot image'}`,
    reason:
      page === undefined
        ? 'it has no ISO 9660 volume'
        : `a login page or a proxy answered in place of the server${page === '' ? '' : `; the page is titled "${page}"`}`,
    nextSteps,
  });
}

/** True for the first bytes of an HTML page. */
export function isWebPage(head: Uint8Array): boolean {
  return webPageTitle(head) !== undefined;
}

/** The title of an HTML page, or '' when it has none; undefined when the bytes do not look like HTML. */
function webPageTitle(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, 16 * 1024)).toString('utf8');
  if (!/^\uFEFF?\s*<(!doctype|html|head|\?xml|!--)/i.test(text)) return undefined;
  const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1] ?? '';
  // A stranger's text must not steer the terminal.
  return title
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 80);
}

/** `60.5 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function unreadable(path: string, error: unknown): DownloadError {
  const isMissing = errorCode(error) === 'ENOENT';
  return new DownloadError({
    stage: 'disk',
    code: isMissing ? 'IMAGE_NOT_FOUND' : 'IMAGE_UNREADABLE',
    message: isMissing ? `There is no boot image "${path}"` : `The boot image "${path}" cannot be read`,
    reason: isMissing ? undefined : errorText(error),
    nextSteps: ['give the path or URL of a boot2docker.iso'],
    cause: error,
  });
}
