import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createEngineProbe } from '../../src/certs/check-endpoint.js';
import { messageOf } from '../../src/core/errors.js';
import type { CertifiedKey } from '../../src/core/ports.js';
import { HeldClock } from '../support/fake-clock.js';
import { openssl } from '../support/openssl.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { authorityAt, type Listener, startEngine } from '../support/tls-faults.js';

const run = promisify(execFile);
const NOW = Date.now();
const today = authorityAt(NOW);
const NAMES = { organization: 'me.dev', names: ['127.0.0.1', '::1', 'localhost'], alsoClient: false };

const client = findDocker();
/** docker is written in Go: what it accepts, the engine, docker-machine and other Go programs accept too. */
const testWithDocker = client === undefined ? test.skip : test;

function findDocker(): string | undefined {
  const named = process.env.TMACHINE_TEST_DOCKER;
  const onPath = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'docker'));
  return [...(named === undefined ? [] : [named]), ...onPath].find((file) => existsSync(file));
}

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
const open: Listener[] = [];

beforeAll(async () => {
  folder = await temporaryDirectory('docker-client');
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

afterAll(() => folder.remove());

async function dockerVersion(
  host: string,
  port: number,
  certificates: { ca: string; client: CertifiedKey },
): Promise<string> {
  const certs = join(folder.path, 'certs');
  await mkdir(certs, { recursive: true });
  await writeFile(join(certs, 'ca.pem'), certificates.ca);
  await writeFile(join(certs, 'cert.pem'), certificates.client.certificate);
  await writeFile(join(certs, 'key.pem'), certificates.client.key);
  const env = { PATH: process.env.PATH, HOME: folder.path, DOCKER_CERT_PATH: certs, DOCKER_TLS_VERIFY: '1' };
  const args = [
    '-H',
    `tcp://${host}:${port}`,
    'version',
    '--format',
    '{{.Server.Version}} {{.Client.APIVersion}}',
  ];
  const { stdout } = await run(client ?? 'docker', args, { env, timeout: 30_000 });
  return stdout.trim();
}

/** An authority as docker-machine makes it: RSA 2048, PKCS#1, the name a PrintableString. */
async function rsaAuthority(): Promise<CertifiedKey> {
  const lines = [
    '[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\nstring_mask=pkix\n[dn]\nO=me\n[ext]',
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement,keyCertSign\n',
  ];
  await writeFile(join(folder.path, 'rsa.cnf'), lines.join('\n'));
  await openssl(['genrsa', '-traditional', '-out', 'rsa-key.pem', '2048'], folder.path);
  const args = ['-key', 'rsa-key.pem', '-config', 'rsa.cnf', '-days', '1080', '-out', 'rsa.pem'];
  await openssl(['req', '-x509', '-new', ...args], folder.path);
  return {
    certificate: await readFile(join(folder.path, 'rsa.pem'), 'utf8'),
    key: await readFile(join(folder.path, 'rsa-key.pem'), 'utf8'),
  };
}

describe('the docker client', () => {
  testWithDocker.each([
    ['an authority of ours', () => today.createAuthority('me'), '127.0.0.1', '127.0.0.1'],
    ['an authority of ours, over IPv6', () => today.createAuthority('me'), '::1', '[::1]'],
    ["docker-machine's RSA authority", rsaAuthority, '127.0.0.1', 'localhost'],
  ])('reads and accepts certificates by %s', async (_what, makeAuthority, address, host) => {
    const authority = await makeAuthority();
    const server = await today.issueServer(authority, NAMES);
    const engine = await startEngine(server, authority.certificate, undefined, address);
    open.push(engine);
    const certificates = {
      ca: authority.certificate,
      client: await today.issueClient(authority, 'me.<bootstrap>'),
    };
    // The API version is the highest that both speak: an older client says less.
    expect(await dockerVersion(host, engine.port, certificates)).toMatch(/^26\.1\.5 1\.\d+$/);
  });

  const DAY_MS = 86_400_000;
  testWithDocker.each([
    [
      'names another address',
      { names: ['192.168.99.101'] },
      NOW,
      /x509: certificate is valid for \S+, not \S+/,
    ],
    [
      'names no address',
      { names: ['dev'] },
      NOW,
      /x509: cannot validate certificate for \S+ because .+ SANs/,
    ],
    [
      'has expired',
      {},
      NOW - 1090 * DAY_MS,
      /x509: certificate has expired or is not yet valid: current time /,
    ],
    [
      'is not yet valid',
      {},
      NOW + DAY_MS,
      /x509: certificate has expired or is not yet valid: current time /,
    ],
  ])('P21: says the same as our own check when the certificate %s', async (_what, changes, madeAt, words) => {
    const authority = await today.createAuthority('me');
    const certified = await today.issueClient(authority, 'me.<bootstrap>');
    const server = await authorityAt(madeAt).issueServer(authority, { ...NAMES, ...changes });
    const engine = await startEngine(server, authority.certificate);
    open.push(engine);
    const docker = await dockerVersion('127.0.0.1', engine.port, {
      ca: authority.certificate,
      client: certified,
    }).catch(messageOf);
    const answer = await createEngineProbe(new HeldClock(NOW)).ping(
      { host: '127.0.0.1', port: engine.port, ca: authority.certificate, ...certified },
      { timeoutMs: 10_000, signal: new AbortController().signal },
    );
    const said = words.exec(answer.ok ? '' : answer.detail)?.[0];
    expect(said).toBeDefined();
    expect(docker).toContain(said);
  });
});

if (client === undefined) {
  test('skipped: no docker client in TMACHINE_TEST_DOCKER or on PATH', () => {
    expect(client).toBeUndefined();
  });
}
