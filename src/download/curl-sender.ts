import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { HostNotReadyError } from '../core/errors.js';
import type { ProgramStreams, TrustedAuthorities } from '../core/ports.js';
import { readCurlAnswer } from './curl-answer.js';
import { curlConfig } from './curl-config.js';
import { explainNetworkError } from './network-faults.js';
import type { Sender, SentRequest } from './sender.js';

export interface CurlSetup {
  readonly programs: ProgramStreams;
  /** For a file of authorities, while a request runs. */
  readonly temporaryDirectory: string;
}

/**
 * Sends by the curl program, for proxies that want NTLM or Negotiate: curl knows both, on Windows with the login of the user. Nothing
 * but `--config -` is on its command line. Throws HostNotReadyError when there is no curl.
 */
export function curlSender({ programs, temporaryDirectory }: CurlSetup): Sender {
  return async (request, use) => {
    const curl = await programs.find('curl');
    if (curl === undefined) throw curlNotFound();
    return withCaFile(request.authorities, temporaryDirectory, async (caFile) => {
      const running = programs.stream(curl, ['--disable', '--config', '-'], {
        input: curlConfig(request, caFile),
        signal: request.signal,
      });
      try {
        const answer = await readCurlAnswer(running.output, usesTunnel(request));
        if (answer === undefined) throw await failureOf(running.ended, request);
        return await use({
          ...answer,
          triedAllLogins: true,
          body: whole(answer.body, running.ended, request, answer.fromProxy),
        });
      } finally {
        running.stop();
      }
    });
  };
}

type Ended = Promise<{ readonly status: number | undefined; readonly stderr: string }>;

/** The body, and after it the question whether curl thinks that it is all. */
async function* whole(
  body: AsyncIterable<Uint8Array>,
  ended: Ended,
  request: SentRequest,
  fromProxy: boolean,
): AsyncGenerator<Uint8Array> {
  yield* body;
  // A tunnel that was refused is a failure for curl, too; the refusal has been told.
  if ((await ended).status !== 0 && !fromProxy) throw await failureOf(ended, request);
}

function usesTunnel({ url, proxy: { proxy } }: SentRequest): boolean {
  return url.startsWith('https:') && /^https?:/.test(proxy);
}

/** curl's exit codes (https://curl.se/libcurl/c/libcurl-errors.html) as Node's words, for those that we tell apart. */
const WORDS: Readonly<Record<number, string>> = {
  5: 'ENOTFOUND',
  6: 'ENOTFOUND',
  7: 'ECONNREFUSED',
  28: 'ETIMEDOUT',
  35: 'EPROTO',
  60: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
};

async function failureOf(ended: Ended, request: SentRequest) {
  const { status, stderr } = await ended;
  const line =
    stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^curl: /, '') ?? '';
  const code = status === undefined ? undefined : WORDS[status];
  return explainNetworkError(Object.assign(new Error(line), { code: code ?? 'ECONNRESET' }), request);
}

/** curl takes a file in place of its own authorities, so that ours must hold the usual ones too. */
async function withCaFile<T>(
  authorities: readonly TrustedAuthorities[],
  directory: string,
  work: (path: string | undefined) => Promise<T>,
): Promise<T> {
  const extra = authorities.flatMap(({ certificates }) => certificates);
  if (extra.length === 0) return work(undefined);
  const folder = await mkdtemp(join(directory, 'tmachine-ca-'));
  try {
    const path = join(folder, 'ca.pem');
    await writeFile(path, [...rootCertificates, ...extra, ''].join('\n'), { mode: 0o600 });
    return await work(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function curlNotFound(): HostNotReadyError {
  return new HostNotReadyError({
    code: 'CURL_NOT_FOUND',
    message: '--downloader curl needs the program curl, which is not on PATH',
    nextSteps: ['install curl, or leave the flag out'],
  });
}
