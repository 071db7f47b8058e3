import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../src/certs/authority.js';
import { StoreError, UsageError } from '../../src/core/errors.js';
import type { CertifiedKey } from '../../src/core/ports.js';
import { openssl } from '../support/openssl.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const NOW = Date.parse('2026-11-21T10:20:30.400Z');
const certificates = createCertificateAuthority({
  clock: { now: () => NOW, monotonic: () => 0, sleep: () => Promise.resolve() },
  random: { bytes: (count) => new Uint8Array(count).fill(0xff) },
});

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let authority: CertifiedKey;
let client: CertifiedKey;
let server: CertifiedKey;

beforeAll(async () => {
  folder = await temporaryDirectory('authority');
  authority = await certificates.createAuthority('jane');
  client = await certificates.issueClient(authority, 'jane.<bootstrap>');
  server = await certificates.issueServer(authority, {
    organization: 'jane.dev',
    names: ['docker.example.com', '192.168.99.100', '127.0.0.1', '::1', 'localhost', 'dev'],
    alsoClient: false,
  });
  await save('ca', authority);
  await save('client', client);
  await save('server', server);
});

afterAll(() => folder.remove());

async function save(name: string, pair: CertifiedKey): Promise<void> {
  await writeFile(join(folder.path, `${name}.pem`), pair.certificate);
  await writeFile(join(folder.path, `${name}-key.pem`), pair.key);
}

async function textOf(pair: CertifiedKey): Promise<string> {
  await writeFile(join(folder.path, 'shown.pem'), pair.certificate);
  const text = await openssl(
    ['x509', '-in', 'shown.pem', '-noout', '-text', '-nameopt', 'utf8,space_eq'],
    folder.path,
  );
  return text.replaceAll(/ *\n */g, '\n');
}

/** Verifies with OpenSSL's strict checks at the moment the certificates were made. */
function verify(ca: string, leaf: string, purpose: string): Promise<string> {
  const at = String(Math.floor(NOW / 1000));
  return openssl(
    ['verify', '-x509_strict', '-attime', at, '-purpose', purpose, '-CAfile', ca, leaf],
    folder.path,
  );
}

describe('certificates by our own authority', () => {
  test('the authority says what docker-machine says of it', async () => {
    const text = await textOf(authority);
    expect(text).toContain('\nIssuer: O = jane\n');
    expect(text).toContain('\nSubject: O = jane\n');
    expect(text).toContain('X509v3 Basic Constraints: critical\nCA:TRUE\n');
    expect(text).toContain(
      'X509v3 Key Usage: critical\nDigital Signature, Key Encipherment, Key Agreement, Certificate Sign\n',
    );
    expect(text).not.toContain('Extended Key Usage');
    expect(text).toContain('ASN1 OID: prime256v1');
    expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
  });

  test('the client certificate says what docker-machine says of it, angle brackets included', async () => {
    const text = await textOf(client);
    expect(text).toContain('\nSubject: O = jane.<bootstrap>\n');
    expect(text).toContain('X509v3 Basic Constraints: critical\nCA:FALSE\n');
    expect(text).toContain('X509v3 Key Usage: critical\nDigital Signature\n');
    expect(text).toContain('X509v3 Extended Key Usage:\nTLS Web Client Authentication\n');
  });

  test('P20: the server certificate carries addresses as addresses and all other names as DNS names', async () => {
    const text = await textOf(server);
    expect(text).toContain('\nSubject: O = jane.dev\n');
    expect(text).toContain(
      'X509v3 Key Usage: critical\nDigital Signature, Key Encipherment, Key Agreement\n',
    );
    expect(text).toContain('X509v3 Extended Key Usage:\nTLS Web Server Authentication\n');
    expect(text).toContain(
      'X509v3 Subject Alternative Name:\nDNS:docker.example.com, IP Address:192.168.99.100, IP Address:127.0.0.1, ' +
        'IP Address:0:0:0:0:0:0:0:1, DNS:localhost, DNS:dev\n',
    );
  });

  test('a swarm master serves and is a client too', async () => {
    const both = await certificates.issueServer(authority, {
      organization: 'jane.dev',
      names: ['localhost'],
      alsoClient: true,
    });
    expect(await textOf(both)).toContain('TLS Web Server Authentication, TLS Web Client Authentication\n');
  });

  test('OpenSSL accepts all three in its strict mode', async () => {
    expect(await verify('ca.pem', 'ca.pem', 'any')).toContain('ca.pem: OK');
    expect(await verify('ca.pem', 'client.pem', 'sslclient')).toContain('client.pem: OK');
    expect(await verify('ca.pem', 'server.pem', 'sslserver')).toContain('server.pem: OK');
  });

  test('a certificate is valid for 1080 days, from the full minute five minutes ago', () => {
    const facts = certificates.describe(server.certificate);
    expect(new Date(facts.notBefore).toISOString()).toBe('2026-11-21T10:15:00.000Z');
    expect(facts.notAfter - facts.notBefore).toBe(1080 * 86_400_000);
  });

  test('the serial number is positive and 16 bytes long, whatever the random bytes are', async () => {
    expect(new X509Certificate(server.certificate).serialNumber).toBe(`7F${'FF'.repeat(15)}`);
    const zeros = createCertificateAuthority({
      clock: { now: () => NOW, monotonic: () => 0, sleep: () => Promise.resolve() },
      random: { bytes: (count) => new Uint8Array(count) },
    });
    const made = await zeros.createAuthority('jane');
    expect(new X509Certificate(made.certificate).serialNumber).toBe(`40${'00'.repeat(15)}`);
  });

  test('every key is PKCS#8, and OpenSSL reads it', async () => {
    expect(server.key).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n([\w+/=]{1,64}\n)+-----END PRIVATE KEY-----\n$/,
    );
    await expect(
      openssl(['pkey', '-in', 'server-key.pem', '-noout', '-check'], folder.path),
    ).resolves.toContain('Key is valid');
  });

  test.each(['#41', 'a"b\\c', 'DOMAIN\\jané', ' x, O=y+z '])(
    'the organisation %j is taken literally',
    async (name) => {
      const made = await certificates.createAuthority(name);
      expect(new X509Certificate(made.certificate).subject).toBe(expectedSubject(name));
      await save('odd', made);
      expect(await verify('odd.pem', 'odd.pem', 'any')).toContain('OK');
    },
  );

  test('a non-ASCII name is written in its ASCII form, a zone index is left out', async () => {
    const made = await certificates.issueServer(authority, {
      organization: 'jane.dev',
      names: ['bücher.example', 'fe80::1%eth0'],
      alsoClient: false,
    });
    expect(certificates.describe(made.certificate).names).toEqual(['xn--bcher-kva.example', 'fe80::1']);
  });

  test('a name that no certificate can carry is refused as a wrong argument', async () => {
    const made = certificates.issueServer(authority, {
      organization: 'jane.dev',
      names: ['a b'],
      alsoClient: false,
    });
    await expect(made).rejects.toThrow(UsageError);
    await expect(made).rejects.toThrow('"a b" cannot be a name of the machine\'s certificate');
  });
});

/** Node escapes the characters that RFC 2253 names. */
function expectedSubject(name: string): string {
  const escaped = name
    .replaceAll(/[",+\\<>;]/g, '\\$&')
    .replace(/^[# ]/, '\\$&')
    .replace(/ $/, '\\$&');
  return `O=${escaped}`;
}

describe('an authority that is there already', () => {
  /** Made as docker-machine does: RSA 2048, the key in PKCS#1, the organisation an ASN.1 PrintableString. */
  async function makeExisting(keyArgs: readonly string[], extensions: string): Promise<CertifiedKey> {
    const config = `[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\nstring_mask=pkix\n[dn]\nO=jane\n[ext]\n${extensions}\n`;
    await writeFile(join(folder.path, 'old.cnf'), config);
    await openssl([...keyArgs, '-out', 'old-key.pem'], folder.path);
    await openssl(
      [
        'req',
        '-x509',
        '-new',
        '-key',
        'old-key.pem',
        '-config',
        'old.cnf',
        '-days',
        '1080',
        '-out',
        'old.pem',
      ],
      folder.path,
    );
    return {
      certificate: await readFile(join(folder.path, 'old.pem'), 'utf8'),
      key: await readFile(join(folder.path, 'old-key.pem'), 'utf8'),
    };
  }

  const RSA = ['genrsa', '-traditional'];
  const today = createCertificateAuthority({
    clock: { now: () => Date.now(), monotonic: () => 0, sleep: () => Promise.resolve() },
    random: { bytes: (count) => randomBytes(count) },
  });
  const CA =
    'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyEncipherment,keyAgreement,keyCertSign';

  test.each([
    [
      'RSA in PKCS#1, with a key identifier',
      RSA,
      `${CA}\nsubjectKeyIdentifier=hash`,
      'RSA PRIVATE KEY',
      'sha256WithRSA',
    ],
    [
      'RSA without a key identifier',
      RSA,
      `${CA}\nsubjectKeyIdentifier=none`,
      'RSA PRIVATE KEY',
      'sha256WithRSA',
    ],
    [
      'P-256 in SEC1',
      ['ecparam', '-name', 'prime256v1', '-genkey'],
      CA,
      'EC PRIVATE KEY',
      'ecdsa-with-SHA256',
    ],
    [
      'P-384 in PKCS#8',
      ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
      CA,
      'PRIVATE KEY',
      'ecdsa-with-SHA256',
    ],
  ])('signs as it is: %s', async (_what, keyArgs, extensions, header, signature) => {
    const old = await makeExisting(keyArgs, extensions);
    expect(old.key).toContain(`-----BEGIN ${header}-----`);
    expect(certificates.matches(old)).toBe(true);
    const made = await today.issueServer(old, {
      organization: 'jane.dev',
      names: ['localhost'],
      alsoClient: false,
    });
    await save('made', made);
    expect(await textOf(made)).toContain(`Signature Algorithm: ${signature}`);
    expect(await openssl(['verify', '-CAfile', 'old.pem', 'made.pem'], folder.path)).toContain('OK');
    expect(certificates.isIssuedBy(made.certificate, old.certificate)).toBe(true);
  });

  test('the issuer is written byte for byte as the authority encodes its name: Go compares bytes', async () => {
    const old = await makeExisting(RSA, CA);
    await save('made', await today.issueClient(old, 'jane.<bootstrap>'));
    const names = async (file: string, which: string) =>
      openssl(['x509', '-in', file, '-noout', which, '-nameopt', 'oneline,show_type'], folder.path);
    expect(await names('old.pem', '-subject')).toContain('PRINTABLESTRING:jane');
    expect(await names('made.pem', '-issuer')).toContain('PRINTABLESTRING:jane');
  });

  test('a key that is encrypted or of another kind is a StoreError that says so', async () => {
    const encrypted = await makeExisting(RSA, CA);
    await openssl(
      ['rsa', '-aes128', '-passout', 'pass:secret', '-in', 'old-key.pem', '-out', 'locked-key.pem'],
      folder.path,
    );
    const locked = await readFile(join(folder.path, 'locked-key.pem'), 'utf8');
    const issued = today.issueClient({ ...encrypted, key: locked }, 'x');
    await expect(issued).rejects.toMatchObject({ constructor: StoreError, code: 'CA_KEY_UNUSABLE' });
    const ed25519 = await openssl(['genpkey', '-algorithm', 'ed25519'], folder.path);
    await expect(today.issueClient({ ...encrypted, key: ed25519 }, 'x')).rejects.toMatchObject({
      code: 'CA_KEY_UNUSABLE',
      reason: 'it is a key of the kind "ed25519", and RSA or ECDSA is needed',
    });
  });
});

describe('reading certificates', () => {
  test('names come back as they were asked for', () => {
    expect(certificates.describe(server.certificate).names).toEqual([
      'docker.example.com',
      '192.168.99.100',
      '127.0.0.1',
      '::1',
      'localhost',
      'dev',
    ]);
    expect(certificates.describe(client.certificate).names).toEqual([]);
  });

  test('a name with a comma in it stays one name', async () => {
    const sneaky = 'x, DNS:evil.example';
    await openssl(
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        '/O=x',
        '-keyout',
        'sneaky-key.pem',
        '-out',
        'sneaky.pem',
        '-config',
        await sneakyConfig(sneaky),
      ],
      folder.path,
    );
    const read = certificates.describe(await readFile(join(folder.path, 'sneaky.pem'), 'utf8'));
    expect(read.names).toEqual([sneaky, 'honest.example']);
  });

  async function sneakyConfig(name: string): Promise<string> {
    const path = join(folder.path, 'sneaky.cnf');
    const lines = [
      '[req]',
      'distinguished_name=dn',
      'x509_extensions=ext',
      '[dn]',
      '[ext]',
      'subjectAltName=@names',
    ];
    await writeFile(path, [...lines, '[names]', `DNS.1=${name}`, 'DNS.2=honest.example', ''].join('\n'));
    return path;
  }

  test('a pair matches only with its own key', () => {
    expect(certificates.matches(client)).toBe(true);
    expect(certificates.matches({ certificate: client.certificate, key: server.key })).toBe(false);
    expect(certificates.matches({ certificate: client.certificate, key: 'garbage' })).toBe(false);
    expect(createPrivateKey(client.key).asymmetricKeyType).toBe('ec');
  });

  test('P22: a certificate of another authority of the same name is not ours', async () => {
    const other = await certificates.createAuthority('jane');
    expect(certificates.isIssuedBy(client.certificate, authority.certificate)).toBe(true);
    expect(certificates.isIssuedBy(client.certificate, other.certificate)).toBe(false);
    expect(certificates.isIssuedBy(authority.certificate, authority.certificate)).toBe(true);
  });

  test.each(['', 'garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'the text %j is refused as no certificate',
    (text) => {
      expect(() => certificates.describe(text)).toThrow(StoreError);
      expect(() => certificates.describe(text)).toThrow('This is not a certificate in PEM form');
    },
  );
});
