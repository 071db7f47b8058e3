import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/core/errors.js';
import { createTrustStore } from '../../src/host/trust-store.js';
import { recordedReporter } from '../download/doubles.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { openssl } from '../support/openssl.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let folder: { path: string; remove: () => Promise<void> };
let first: string;
let second: string;
const at = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryDirectory('trust');
  first = await makeAuthority('One');
  second = await makeAuthority('Two');
});

afterAll(() => folder.remove());

async function makeAuthority(name: string): Promise<string> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await openssl([
    'req',
    '-x509',
    ...curve,
    '-subj',
    `/O=${name}`,
    '-keyout',
    at(`${name}.key`),
    '-out',
    at(name),
  ]);
  return (await readFile(at(name), 'utf8')).trim();
}

function storeOf(caCertFile: string | undefined, env: Record<string, string> = {}) {
  const processes = new FakeProcesses();
  return createTrustStore({ caCertFile, facts: { platform: 'linux', env }, processes });
}

describe('P03: authorities are taken from', () => {
  test('--ca-cert, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS together', async () => {
    const reporter = recordedReporter();
    // As companies send them: two certificates, a key's remains and comments in one file, lines ending the Windows way.
    await writeFile(
      at('both.pem'),
      `# ours\r\n${first}\r\nsubject=x\r\n${second.replaceAll('\n', '\r\n')}\r\n`,
    );
    const env = { SSL_CERT_FILE: at('One'), NODE_EXTRA_CA_CERTS: at('Two') };
    const found = await storeOf(at('both.pem'), env).named({ reporter });
    expect(found.map(({ from, certificates }) => [from, certificates.length])).toEqual([
      [`--ca-cert ${at('both.pem')}`, 2],
      [`SSL_CERT_FILE ${at('One')}`, 1],
      [`NODE_EXTRA_CA_CERTS ${at('Two')}`, 1],
    ]);
    expect(found[1]?.certificates).toEqual([first]);
    expect(reporter.lines).toEqual([]);
  });

  test.each([
    ['that is missing', async () => at('missing.pem'), 'ENOENT'],
    ['without a certificate', async () => at('One.key'), 'it holds no certificate in PEM form'],
    [
      'with a broken certificate',
      async () => {
        await writeFile(at('broken.pem'), first.replace(/\n.{20}/, '\n'));
        return at('broken.pem');
      },
      '',
    ],
  ])('not from a --ca-cert %s: an error', async (_, file, reason) => {
    const path = await file();
    const reading = storeOf(path).named({ reporter: recordedReporter() });
    await expect(reading).rejects.toThrow(UsageError);
    await expect(reading).rejects.toMatchObject({
      code: 'CA_CERT_UNUSABLE',
      message: `"${path}" (--ca-cert) cannot be used`,
      reason: expect.stringContaining(reason),
    });
  });

  test('not from a variable that names no usable file: a warning', async () => {
    const reporter = recordedReporter();
    expect(await storeOf(undefined, { SSL_CERT_FILE: at('missing') }).named({ reporter })).toEqual([]);
    expect(reporter.lines).toEqual([
      expect.stringContaining(`! SSL_CERT_FILE is ignored: "${at('missing')}" cannot`),
    ]);
  });

  test("the administrator's keychain on macOS, authorities only", async () => {
    const leaf = at('leaf.pem');
    await openssl([
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...[
        '-subj',
        '/O=Leaf',
        '-addext',
        'basicConstraints=critical,CA:FALSE',
        '-keyout',
        at('leaf.key'),
        '-out',
        leaf,
      ],
    ]);
    const processes = new FakeProcesses([
      {
        file: '/usr/bin/security',
        args: ['find-certificate', '-a', '-p', '/Library/Keychains/System.keychain'],
        result: { stdout: `${first}\n${await readFile(leaf, 'utf8')}` },
      },
    ]);
    const facts = { platform: 'darwin', env: {} } as const;
    const store = createTrustStore({ caCertFile: undefined, facts, processes });
    const found = await store.system({ reporter: recordedReporter() });
    // Node 22.15 and later asks the system itself.
    if ('getCACertificates' in (await import('node:tls'))) return;
    expect(found).toEqual([
      { from: 'the system store /Library/Keychains/System.keychain', certificates: [first] },
    ]);
    processes.verify();
  });
});
