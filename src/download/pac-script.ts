import { readFile } from 'node:fs/promises';
import { DownloadError, throwIfInterrupted } from '../core/errors.js';
import type { Clock } from '../core/ports.js';
import type { Reporter } from '../core/reporter.js';
import { get, type HttpTools } from './http.js';
import type { PacLocation } from './pac-location.js';
import { textOf } from './read-text.js';
import { explainStatus } from './status-faults.js';
import { errorText } from './technical-error.js';
import { TransferFault } from './transfer-fault.js';

export interface PacCall {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** A PAC script that is ready to be asked. */
export interface PacScript {
  /** Its answer for a URL, such as `PROXY a:8080; DIRECT`. Throws DownloadError when the script fails, or the signal's reason. */
  proxiesFor(url: string, call: PacCall): Promise<string>;
}

/** A script of some megabytes is a wrong address. */
const LONGEST_SCRIPT = 4 * 1024 * 1024;
const MEMORY_BYTES = 64 * 1024 * 1024;
/** For one answer, with the names that the script looks up. */
const ANSWER_WITHIN_MS = 20_000;
/** For computing alone, which nothing else can interrupt. */
const COMPUTE_WITHIN_MS = 5_000;
/** The script's server is in the same network. */
const SCRIPT_IDLE_MS = 15_000;

/**
 * Loads a PAC script, without a proxy, and makes it ready. It runs in a sandbox (QuickJS in WebAssembly) that can resolve names and
 * nothing else, with limited memory and time. Throws DownloadError (stage proxy) that names the script, or the signal's reason.
 */
export async function loadPacScript(
  location: PacLocation,
  tools: Omit<HttpTools, 'proxies'>,
  call: PacCall,
): Promise<PacScript> {
  const name = location.kind === 'url' ? location.url : location.path;
  const text =
    location.kind === 'url' ? await download(location.url, tools, call) : await read(location.path);
  try {
    return await prepare(text, name, tools.clock, call);
  } catch (error) {
    throw unusable(name, `it is no PAC script: ${errorText(error)}`, error);
  }
}

async function prepare(text: string, name: string, clock: Clock, { reporter }: PacCall): Promise<PacScript> {
  const [{ QuickJS }, { createPacResolver }] = await Promise.all([
    import('quickjs-wasi'),
    import('pac-resolver'),
  ]);
  let begunAt = clock.monotonic();
  const isLate = () => clock.monotonic() - begunAt > COMPUTE_WITHIN_MS;
  const sandbox = await QuickJS.create({
    memoryLimit: MEMORY_BYTES,
    interruptHandler: isLate,
  });
  const ask = createPacResolver(sandbox, text.replace(/^\uFEFF/, ''), {
    filename: 'proxy.pac',
    // The package's own alert() prints to stdout, among our answers.
    sandbox: { alert: (message?: string) => reporter.debug(`PAC script: ${String(message)}`) },
  });
  return {
    proxiesFor: async (url, { signal }) => {
      throwIfInterrupted(signal);
      begunAt = clock.monotonic();
      const done = new AbortController();
      const late = clock
        .sleep(ANSWER_WITHIN_MS, AbortSignal.any([signal, done.signal]))
        .then(() => Promise.reject(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)));
      try {
        return String((await Promise.race([ask(withoutPath(url)), late])) ?? '');
      } catch (error) {
        throwIfInterrupted(signal);
        const why = isLate()
          ? `no answer within ${COMPUTE_WITHIN_MS / 1000} s of computing`
          : errorText(error);
        throw unusable(name, `it fails: ${why}`, error);
      } finally {
        done.abort();
      }
    },
  };
}

/** As browsers do: a script sees no more of an https URL than a proxy does. */
function withoutPath(url: string): URL {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  return shown.protocol === 'https:' ? new URL('/', shown) : shown;
}

async function download(
  url: string,
  tools: Omit<HttpTools, 'proxies'>,
  { reporter, signal }: PacCall,
): Promise<string> {
  const direct = { resolve: async () => ({ proxy: 'direct', from: 'no proxy set' }) as const };
  try {
    return await get(
      { url, headers: {}, followRedirects: true, reporter, signal },
      { idleMs: SCRIPT_IDLE_MS, ...tools, proxies: direct },
      async (answer) => {
        if (answer.status !== 200) throw explainStatus(answer, tools.clock.now());
        return textOf(answer, LONGEST_SCRIPT, () => unusable(url, 'it has no end', undefined));
      },
    );
  } catch (error) {
    if (!(error instanceof TransferFault)) throw error;
    throw unusable(url, error.failure.reason ?? error.failure.message, error.failure);
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unusable(path, errorText(error), error);
  }
}

function unusable(name: string, reason: string, cause: unknown): DownloadError {
  return new DownloadError({
    stage: 'proxy',
    code: 'PAC_UNUSABLE',
    message: `The PAC script ${name} cannot be used`,
    reason,
    nextSteps: ['check its address, or name the proxy itself: --proxy http://HOST:PORT'],
    cause,
  });
}
