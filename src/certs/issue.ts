import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { messageOf, StoreError, UsageError } from '../core/errors.js';
import type { CertifiedKey } from '../core/ports.js';
import { readCertificate } from './facts.js';

type X509 = typeof import('@peculiar/x509');

/** What one certificate says; the rest is the same for all (contract: create-flow.md section 11). */
export interface CertificateRequest {
  readonly organization: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** 16 random bytes. */
  readonly serial: Uint8Array;
  readonly purpose:
    | { readonly kind: 'authority' }
    | { readonly kind: 'client' }
    | { readonly kind: 'server'; readonly names: readonly string[]; readonly alsoClient: boolean };
}

const LIFETIME_MS = 1080 * 86_400_000;
/** A guest whose clock is a little behind accepts the certificate at once. */
const BACKDATED_MS = 300_000;

/**
 * Makes a P-256 key and its certificate, signed by `authority` or, without one, by itself. The key is PKCS#8
 * (`PRIVATE KEY`): Go's tls.X509KeyPair, docker, Node and OpenSSL read it as well as SEC1 (`EC PRIVATE KEY`), and Java
 * clients of the engine read only PKCS#8. Throws StoreError when the authority's key cannot be used, UsageError for a
 * name that no certificate can carry.
 */
export async function issue(
  request: CertificateRequest,
  authority: CertifiedKey | undefined,
): Promise<CertifiedKey> {
  const x509 = await loadX509();
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const subject = subjectOf(x509, request.organization);
  const issuer = authority === undefined ? undefined : await readIssuer(x509, authority);
  const ownKeyId = await x509.SubjectKeyIdentifierExtension.create(pair.publicKey, false, webcrypto);
  const notBefore = Math.floor((request.now - BACKDATED_MS) / 60_000) * 60_000;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(request.serial),
      subject,
      issuer: issuer?.name ?? subject,
      notBefore: new Date(notBefore),
      notAfter: new Date(notBefore + LIFETIME_MS),
      publicKey: pair.publicKey,
      signingKey: issuer?.key ?? pair.privateKey,
      extensions: [
        ...purposeExtensions(x509, request.purpose),
        ownKeyId,
        new x509.AuthorityKeyIdentifierExtension(issuer?.keyId ?? ownKeyId.keyId),
      ],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey));
  return {
    certificate: `${certificate.toString('pem').trim()}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

/** 49 ms, so only for those who make certificates. The library's decorators need the metadata to be there before it. */
async function loadX509(): Promise<X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** UTF-8 whatever the letters are: the library would read `#`, quotes and backslashes in a plain text as syntax. */
function subjectOf(x509: X509, organization: string): InstanceType<X509['Name']> {
  return new x509.Name([{ O: [{ utf8String: organization }] }]);
}

/** Positive and always 16 bytes long: the first bit is 0 (a sign in ASN.1), the second 1 (no leading zero byte). */
function serialNumber(random: Uint8Array): string {
  const bytes = Buffer.from(random);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function purposeExtensions(
  x509: X509,
  purpose: CertificateRequest['purpose'],
): InstanceType<X509['Extension']>[] {
  const { digitalSignature, keyEncipherment, keyAgreement, keyCertSign } = x509.KeyUsageFlags;
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  switch (purpose.kind) {
    case 'authority':
      return [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(digitalSignature | keyEncipherment | keyAgreement | keyCertSign, true),
      ];
    case 'client':
      return [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([clientAuth]),
      ];
    case 'server':
      return [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(digitalSignature | keyEncipherment | keyAgreement, true),
        new x509.ExtendedKeyUsageExtension(purpose.alsoClient ? [serverAuth, clientAuth] : [serverAuth]),
        new x509.SubjectAlternativeNameExtension(purpose.names.map(alternativeName)),
      ];
  }
}

/** Throws UsageError for a text that is neither an address nor a DNS name. */
function alternativeName(name: string): { type: 'ip' | 'dns'; value: string } {
  const address = name.replace(/%.*$/, ''); // the zone of a link-local address is this computer's own business
  if (isIP(address) !== 0) return { type: 'ip', value: address };
  const ascii = domainToASCII(name);
  if (ascii !== '') return { type: 'dns', value: ascii };
  throw new UsageError({
    code: 'TLS_SAN_INVALID',
    message: `"${name}" cannot be a name of the machine's certificate`,
    reason: 'it is neither an IP address nor a DNS name',
    nextSteps: ['give names such as --tls-san 192.168.99.100 or --tls-san docker.example.com'],
  });
}

interface Issuer {
  readonly name: InstanceType<X509['Name']>;
  readonly key: webcrypto.CryptoKey;
  readonly keyId: string;
}

/** The issuer's name is taken as it is encoded: Go compares the bytes of names, not their meaning. */
async function readIssuer(x509: X509, authority: CertifiedKey): Promise<Issuer> {
  const certificate = new x509.X509Certificate(readCertificate(authority.certificate).raw);
  const stated = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  const keyId =
    stated ?? (await x509.SubjectKeyIdentifierExtension.create(certificate.publicKey, false, webcrypto));
  return { name: certificate.subjectName, key: await signingKey(authority.key), keyId: keyId.keyId };
}

/** The curves of WebCrypto by the names that Node has for them. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/** An authority's key in any PEM form: docker-machine's is `RSA PRIVATE KEY`. Throws StoreError for one that cannot sign here. */
async function signingKey(pem: string): Promise<webcrypto.CryptoKey> {
  const key = readPrivateKey(pem);
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  if (key.asymmetricKeyType === 'rsa') {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  }
  if (key.asymmetricKeyType === 'ec' && curve !== undefined) {
    const algorithm = { name: 'ECDSA', namedCurve: curve };
    return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  }
  throw authorityKeyError(`it is a key of the kind "${key.asymmetricKeyType}", and RSA or ECDSA is needed`);
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw authorityKeyError(messageOf(error), error);
  }
}

function authorityKeyError(reason: string, cause?: unknown): StoreError {
  return new StoreError({
    code: 'CA_KEY_UNUSABLE',
    message: 'Could not sign with the key of the certificate authority',
    reason,
    nextSteps: [
      'restore ca-key.pem from a backup, if you have one',
      'or make new certificates for all machines with: tmachine regenerate-certs --client-certs',
    ],
    cause,
  });
}
