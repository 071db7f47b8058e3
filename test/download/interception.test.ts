import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DownloadError } from '../../src/core/errors.js';
import type { TrustStore } from '../../src/core/ports.js';
import { downloaderNamed } from '../../src/download/downloader.js';
import { type FetchTools, fetchFile } from '../../src/download/fetch-file.js';
import { SystemProgramStreams } from '../../src/host/program-streams.js';
import { createTrustStore } from '../../src/host/trust-store.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { file, type MisbehavingServer, startMisbehavingServer } from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { isoImage, noJitter, PatientClock, recordedReporter, WatchfulSwaps } from './doubles.js';
import {
  CERTIFICATE_MAKER,
  makeCertificates,
  makeCompanyAuthority,
  missingPrograms,
  type RealProxy,
  startSquid,
} from './real-proxies.js';

const IMAGE = isoImage();
const DIGEST = createHash('sha256').update(IMAGE).digest('hex');

const missing = missingPrograms(['squid', 'openssl', 'curl']);
if (!existsSync(CERTIFICATE_MAKER)) missing.push(CERTIFICATE_MAKER);
const describeHere = missing.length === 0 ? describe : describe.skip;
if (missing.length > 0) test.skip(`these are not installed: ${missing.join(', ')}`, () => undefined);

let folder: { path: string; remove: () => Promise<void> };
let authority: { path: string; pem: string };
let server: MisbehavingServer;
let squid: RealProxy;
let target: string;

beforeAll(async () => {
  if (missing.length > 0) return;
  folder = await temporaryDirectory('interception');
  await chmod(folder.path, 0o755);
  const certificates = await makeCertificates(folder.path);
  const company = await makeCompanyAuthority(folder.path);
  authority = company;
  server = await startMisbehavingServer(certificates);
  server.on('/image', file({ content: IMAGE, etag: '"v1"' }));
  const bump = { authorityPath: company.withKeyPath, originCa: join(folder.path, 'ca.pem') };
  squid = await startSquid(join(folder.path, 'squid'), { bump });
});

afterAll(async () => {
  await Promise.all([squid?.stop(), server?.close()]);
  await folder?.remove();
});

beforeEach(() => {
  target = join(folder?.path ?? '', `image-${expect.getState().currentTestName?.replace(/\W+/g, '-')}.iso`);
});

function fetchWith(trust: TrustStore, tools: Partial<FetchTools> = {}) {
  return fetchFile(
    {
      url: `${server.origin}/image`,
      target,
      isImage: true,
      digest: DIGEST,
      reporter: recordedReporter(),
      signal: new AbortController().signal,
    },
    {
      clock: new PatientClock(),
      random: noJitter,
      swaps: new WatchfulSwaps(),
      proxies: { resolve: async () => ({ proxy: `http://127.0.0.1:${squid.port}`, from: 'HTTPS_PROXY' }) },
      trust,
      ...tools,
    },
  );
}

/** The real store; the system's own authorities are `system`. */
function trustOf(
  caCertFile: string | undefined,
  env: Record<string, string> = {},
  system: string[] = [],
): TrustStore {
  const facts = { platform: 'linux', env } as const;
  const store = createTrustStore({ caCertFile, facts, processes: new FakeProcesses() });
  const own = [{ from: 'the system store', certificates: system }];
  return { named: (call) => store.named(call), system: async () => (system.length === 0 ? [] : own) };
}

const builtIn = {};
const byCurl = () => ({
  send: downloaderNamed('curl', {
    programs: new SystemProgramStreams({ platform: 'linux', env: process.env }),
    temporaryDirectory: tmpdir(),
  }),
});

describeHere('P03: a proxy that opens TLS with an authority of its own', () => {
  test.each<[string, () => Partial<FetchTools>]>([
    ['built-in', () => builtIn],
    ['curl', byCurl],
  ])('is refused, with the name of the authority and what trusts it: %s', async (_, tools) => {
    const error = await fetchWith(trustOf(undefined), tools()).catch((reason: unknown) => reason);
    if (!(error instanceof DownloadError)) throw error;
    const { fingerprint256 } = new X509Certificate(authority.pem);
    expect(error).toMatchObject({ stage: 'tls', code: 'TLS_UNTRUSTED' });
    expect(error.reason).toContain(
      `it is signed by "Corp Interception CA (Corp)", SHA-256 fingerprint ${fingerprint256}`,
    );
    expect(error.nextSteps[0]).toContain('run the command again with --ca-cert FILE');
  });

  test.each<[string, () => TrustStore, () => Partial<FetchTools>]>([
    ['--ca-cert', () => trustOf(authority.path), () => builtIn],
    ['SSL_CERT_FILE', () => trustOf(undefined, { SSL_CERT_FILE: authority.path }), () => builtIn],
    ['NODE_EXTRA_CA_CERTS', () => trustOf(undefined, { NODE_EXTRA_CA_CERTS: authority.path }), () => builtIn],
    ["the system's store", () => trustOf(undefined, {}, [authority.pem]), () => builtIn],
    ['--ca-cert, by curl', () => trustOf(authority.path), byCurl],
    ["the system's store, by curl", () => trustOf(undefined, {}, [authority.pem]), byCurl],
  ])('is trusted by %s', async (_, trust, tools) => {
    await fetchWith(trust(), tools());
    expect((await readFile(target)).equals(IMAGE)).toBe(true);
    // Through the opened tunnel squid sees the request itself.
    expect(await squid.log()).toContain(`GET https://localhost:${server.port}/image`);
  });
});
