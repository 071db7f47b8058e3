import { DownloadError, UsageError } from '../core/errors.js';
import { redactUrl } from '../core/redact.js';
import type { Reporter } from '../core/reporter.js';

/**
 * Does `fetch` with the first URL, and with each next one when that fails. Gives what succeeded and the URL it was. Throws the first
 * failure when all fail, and at once what is no DownloadError or is about this computer's disk.
 */
export async function fromFirstOf<T>(
  urls: readonly string[],
  fetch: (url: string) => Promise<T>,
  reporter: Reporter,
): Promise<{ readonly url: string; readonly result: T }> {
  let first: DownloadError | undefined;
  for (const [index, url] of urls.entries()) {
    try {
      return { url, result: await fetch(url) };
    } catch (error) {
      if (!(error instanceof DownloadError) || error.stage === 'disk') throw error;
      first ??= error;
      const next = urls[index + 1];
      if (next !== undefined) reporter.warn(`${error.message}. Trying another mirror: ${redactUrl(next)}`);
    }
  }
  throw first ?? new TypeError('there is no URL to fetch');
}

/** The value of `--image-mirror`. Throws UsageError for what is no http or https URL. */
export function parseMirrors(values: readonly string[]): readonly string[] {
  const urls = values.map((value) => value.trim()).filter((value) => value !== '');
  for (const url of urls) {
    if (/^https?:\/\//i.test(url) && URL.canParse(url)) continue;
    throw new UsageError({
      code: 'MIRROR_INVALID',
      message: `"${redactUrl(url)}" (--image-mirror) is no http or https URL`,
      nextSteps: ['give the whole URL of an image, such as https://mirror.example/boot2docker.iso'],
    });
  }
  return urls;
}

/** The value of `--image-digest`. Throws UsageError for what is no SHA-256. */
export function parseDigest(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const digest = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(value.trim())?.[1];
  if (digest !== undefined) return digest.toLowerCase();
  throw new UsageError({
    code: 'DIGEST_INVALID',
    message: `"${value}" (--image-digest) is no SHA-256`,
    nextSteps: ['give 64 hexadecimal digits, as sha256sum prints them'],
  });
}
