import { DownloadError, UsageError } from '../core/errors.js';
import { isJsonObject, type JsonValue } from '../core/json.js';
import type { Reporter } from '../core/reporter.js';
import { get, type HttpAnswer, type HttpTools } from './http.js';
import { textOf } from './read-text.js';
import { type RetryTools, withRetries } from './retry.js';
import { explainStatus } from './status-faults.js';
import { NO_RETRY, TransferFault } from './transfer-fault.js';

/** Where a repository publishes its images: github.com or a GitHub Enterprise server. */
export interface Releases {
  /** `https://api.github.com/repos/OWNER/NAME/releases` */
  readonly apiUrl: string;
  /** `https://github.com/OWNER/NAME` */
  readonly webUrl: string;
  /** `github.com/OWNER/NAME`, as the log has it. */
  readonly name: string;
}

export interface Release {
  readonly tag: string;
  /** Of its boot2docker.iso. */
  readonly imageUrl: string;
  /** SHA-256 that GitHub computed at the upload, hex; it does so since June 2025. */
  readonly digest?: string | undefined;
}

/**
 * Recognises a releases API URL anywhere in `url` (contract: create-flow.md section 2), also `.../releases/latest`; undefined for
 * any other URL.
 */
export function parseReleasesUrl(url: string): Releases | undefined {
  const match = /(https?):\/\/([^/]+)(\/api\/v3)?\/repos\/([^/]+)\/([^/]+)\/releases/.exec(url);
  if (match === null) return undefined;
  const [apiUrl, scheme, host, , owner, repository] = match;
  const webHost = host === 'api.github.com' ? 'github.com' : host;
  const place = `${webHost}/${owner}/${repository}`;
  return { apiUrl, webUrl: `${scheme}://${place}`, name: place.replace(/^[^/]*@/, '') };
}

/** `OWNER/NAME` on github.com, or a releases API URL. Throws UsageError for anything else. */
export function parseRepository(setting: string): Releases {
  const isShort = /^[\w.-]+\/[\w.-]+$/.test(setting);
  const releases = parseReleasesUrl(isShort ? `https://api.github.com/repos/${setting}/releases` : setting);
  if (releases !== undefined) return releases;
  throw new UsageError({
    code: 'REPOSITORY_INVALID',
    message: `"${setting}" is no repository with boot images`,
    nextSteps: ['give OWNER/NAME, or a URL such as https://HOST/api/v3/repos/OWNER/NAME/releases'],
  });
}

export interface ReleaseRequest {
  /** Sent to the API alone. */
  readonly token: string | undefined;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/**
 * The latest release. The API is asked first; when it fails or has had enough of us, the web page's redirect from
 * `releases/latest` tells the tag too (P07). Throws the API's DownloadError when neither does, or the signal's reason.
 */
export async function latestRelease(
  releases: Releases,
  request: ReleaseRequest,
  tools: HttpTools & RetryTools,
): Promise<Release> {
  try {
    return await retrying(() => askApi(releases, request, tools), request, tools);
  } catch (failure) {
    if (!(failure instanceof DownloadError)) throw failure;
    if (failure.code === 'GITHUB_TOKEN_REFUSED')
      request.reporter.warn(`${failure.message}; trying without it.`);
    request.reporter.debug(`${failure.message} (${failure.reason ?? ''}); asking ${releases.webUrl} instead`);
    try {
      return await retrying(() => askWebPage(releases, request, tools), request, tools);
    } catch (second) {
      // The first failure says more, unless somebody has pressed Ctrl-C in the meantime.
      throw second instanceof DownloadError ? failure : second;
    }
  }
}

/** A flag that was not given is an empty text. */
function hasToken(request: ReleaseRequest): boolean {
  return request.token !== undefined && request.token !== '';
}

/** Two tries are enough where there is another way. */
function retrying<T>(
  attempt: () => Promise<T>,
  request: ReleaseRequest,
  tools: HttpTools & RetryTools,
): Promise<T> {
  const { reporter, signal } = request;
  return withRetries(attempt, { reporter, signal, progress: () => 0, mostTries: 2 }, tools);
}

async function askApi(releases: Releases, request: ReleaseRequest, tools: HttpTools): Promise<Release> {
  const url = `${releases.apiUrl}/latest`;
  const headers = {
    accept: 'application/vnd.github+json',
    ...(hasToken(request) ? { authorization: `token ${request.token}` } : {}),
  };
  const { reporter, signal } = request;
  return get({ url, headers, followRedirects: true, reporter, signal }, tools, async (answer) => {
    if (answer.status !== 200) throw apiRefusal(answer, request, tools.clock.now());
    const release = jsonOf(await textOf(answer, LONGEST_TEXT, () => noTag('the answer has no end')));
    const tag = isJsonObject(release) ? release.tag_name : undefined;
    if (!isJsonObject(release) || typeof tag !== 'string' || !isSafeTag(tag))
      throw noTag('the answer names no tag');
    return { tag, imageUrl: imageUrlOf(releases, tag), digest: digestOf(release.assets) };
  });
}

/** `releases/latest` redirects to `releases/tag/TAG`; a renamed repository redirects to its new `releases/latest` first. */
async function askWebPage(releases: Releases, request: ReleaseRequest, tools: HttpTools): Promise<Release> {
  const { reporter, signal } = request;
  let url = `${releases.webUrl}/releases/latest`;
  for (let hops = 0; hops < 4; hops++) {
    const location = await get(
      { url, headers: {}, followRedirects: false, reporter, signal },
      tools,
      async (answer) => {
        if (answer.headers.location === undefined) throw explainStatus(answer, tools.clock.now());
        return answer.headers.location;
      },
    );
    if (!URL.canParse(location, url)) break;
    url = new URL(location, url).href;
    const tag = /\/releases\/tag\/([^/?#]+)$/.exec(url)?.[1];
    if (tag !== undefined && isSafeTag(tag)) return { tag, imageUrl: imageUrlOf(releases, tag) };
  }
  throw noTag(`${releases.webUrl}/releases/latest leads to no release`);
}

/** The image of the latest release, whichever that is: GitHub redirects to it, without the API. */
export function latestImageUrl(releases: Releases): string {
  return `${releases.webUrl}/releases/latest/download/boot2docker.iso`;
}

function imageUrlOf(releases: Releases, tag: string): string {
  return `${releases.webUrl}/releases/download/${tag}/boot2docker.iso`;
}

/** A tag becomes part of a URL and of the log. */
function isSafeTag(tag: string): boolean {
  return /^[\w.+-]{1,100}$/.test(tag);
}

function digestOf(assets: JsonValue | undefined): string | undefined {
  if (!Array.isArray(assets)) return undefined;
  for (const asset of assets) {
    if (!isJsonObject(asset) || asset.name !== 'boot2docker.iso' || typeof asset.digest !== 'string')
      continue;
    return /^sha256:([0-9a-f]{64})$/i.exec(asset.digest)?.[1]?.toLowerCase();
  }
  return undefined;
}

function apiRefusal(answer: HttpAnswer, request: ReleaseRequest, nowMs: number): TransferFault {
  const { status, headers } = answer;
  if (status === 401 && hasToken(request) && !answer.fromProxy) {
    const failure = new DownloadError({
      stage: 'status',
      code: 'GITHUB_TOKEN_REFUSED',
      message: `${new URL(answer.url).host} does not accept the token`,
      nextSteps: ['check MACHINE_GITHUB_API_TOKEN or --github-api-token, or do without'],
    });
    return new TransferFault(failure, NO_RETRY);
  }
  if ((status === 403 || status === 429) && headers['x-ratelimit-remaining'] === '0') {
    const untilMs = Number(headers['x-ratelimit-reset']) * 1000 - nowMs;
    const minutes = Math.max(1, Math.ceil(untilMs / 60_000));
    return noTag(
      Number.isNaN(untilMs)
        ? 'this network has used up its requests'
        : `this network has used up its requests for ${minutes} minutes`,
    );
  }
  return explainStatus(answer, nowMs);
}

/** The contract's own text for an API that does not tell. */
function noTag(reason: string): TransferFault {
  const failure = new DownloadError({
    stage: 'status',
    code: 'GITHUB_NO_TAG',
    message:
      'failure getting a version tag from the Github API response (are you getting rate limited by Github?)',
    reason,
    nextSteps: ['set MACHINE_GITHUB_API_TOKEN to a token of yours: each token has a limit of its own'],
  });
  return new TransferFault(failure, NO_RETRY);
}

/** More than any release's description. */
const LONGEST_TEXT = 4 * 1024 * 1024;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw noTag('the answer is no JSON: a login page or a proxy may have answered in its place');
  }
}
