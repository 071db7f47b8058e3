import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../core/errors.js';
import type { HostFacts, ProcessRunner, TrustedAuthorities, TrustStore } from '../core/ports.js';
import type { Reporter } from '../core/reporter.js';
import { certificatesIn } from './pem.js';

export interface TrustStoreParts {
  /** `--ca-cert` */
  readonly caCertFile: string | undefined;
  /** `--ca-cert` when absent, or the variable that named it. */
  readonly caCertFrom?: string;
  readonly facts: Pick<HostFacts, 'platform' | 'env'>;
  readonly processes: ProcessRunner;
}

/**
 * Where Linux distributions keep their bundle; the list that Go's crypto/x509 goes through, in its order
 * (https://go.dev/src/crypto/x509/root_linux.go).
 */
const LINUX_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

const LIMIT_MS = 20_000;
/** Certificates that an administrator installed; the user's own keychain may hold other people's. */
const SYSTEM_KEYCHAIN = '/Library/Keychains/System.keychain';

export function createTrustStore(parts: TrustStoreParts): TrustStore {
  let named: Promise<readonly TrustedAuthorities[]> | undefined;
  let system: Promise<readonly TrustedAuthorities[]> | undefined;
  return {
    named: ({ reporter }) => {
      named ??= readNamed(parts, reporter);
      return named;
    },
    system: ({ reporter }) => {
      system ??= readSystem(parts, reporter);
      return system;
    },
  };
}

async function readNamed(
  { caCertFile, caCertFrom = '--ca-cert', facts }: TrustStoreParts,
  reporter: Reporter,
): Promise<readonly TrustedAuthorities[]> {
  const found: TrustedAuthorities[] = [];
  if (caCertFile !== undefined) {
    try {
      found.push({ from: `${caCertFrom} ${caCertFile}`, certificates: await readBundle(caCertFile) });
    } catch (error) {
      throw new UsageError({
        code: 'CA_CERT_UNUSABLE',
        message: `"${caCertFile}" (${caCertFrom}) cannot be used`,
        reason: messageOf(error),
        nextSteps: [
          'give a PEM file, with lines "-----BEGIN CERTIFICATE-----"; a DER file becomes one with: openssl x509 -inform der -in FILE -out FILE.pem',
        ],
        cause: error,
      });
    }
  }
  for (const variable of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'] as const) {
    const path = facts.env[variable] ?? '';
    if (path === '') continue;
    try {
      found.push({ from: `${variable} ${path}`, certificates: await readBundle(path) });
    } catch (error) {
      reporter.warn(`${variable} is ignored: "${path}" cannot be used (${messageOf(error)})`);
    }
  }
  return found;
}

async function readSystem(
  { facts, processes }: TrustStoreParts,
  reporter: Reporter,
): Promise<readonly TrustedAuthorities[]> {
  try {
    switch (facts.platform) {
      case 'linux':
        return await firstBundle();
      case 'darwin':
        return (await fromNode()) ?? (await fromKeychain(processes));
      case 'win32': {
        const found = await fromNode();
        if (found === undefined)
          reporter.warn(
            'Node.js reads the certificates of Windows from version 22.15 on; this one does without them',
          );
        return found ?? [];
      }
    }
  } catch (error) {
    reporter.debug(`the system's certificates cannot be read: ${messageOf(error)}`);
    return [];
  }
}

/** Node 22.15 and later asks Windows and macOS itself, and heeds what they distrust. */
async function fromNode(): Promise<readonly TrustedAuthorities[] | undefined> {
  const tls = await import('node:tls');
  if (!('getCACertificates' in tls) || typeof tls.getCACertificates !== 'function') return undefined;
  const certificates: unknown = Reflect.apply(tls.getCACertificates, tls, ['system']);
  if (!Array.isArray(certificates)) return undefined;
  return [
    { from: 'the system store', certificates: certificates.filter((text) => typeof text === 'string') },
  ];
}

async function firstBundle(): Promise<readonly TrustedAuthorities[]> {
  for (const path of LINUX_BUNDLES) {
    const certificates = await readBundle(path).catch(() => undefined);
    if (certificates !== undefined) return [{ from: `the system store ${path}`, certificates }];
  }
  return [];
}

async function fromKeychain(processes: ProcessRunner): Promise<readonly TrustedAuthorities[]> {
  const { stdout } = await processes.run(
    '/usr/bin/security',
    ['find-certificate', '-a', '-p', SYSTEM_KEYCHAIN],
    { timeoutMs: LIMIT_MS },
  );
  const certificates = certificatesIn(stdout).filter((text) => new X509Certificate(text).ca);
  return [{ from: `the system store ${SYSTEM_KEYCHAIN}`, certificates }];
}

/** Throws what reading throws, and Error for a file without a usable certificate. */
async function readBundle(path: string): Promise<string[]> {
  const certificates = certificatesIn(await readFile(path, 'latin1'));
  if (certificates.length === 0) throw new Error('it holds no certificate in PEM form');
  for (const text of certificates) new X509Certificate(text);
  return certificates;
}
