import { UsageError } from './errors.js';
import type { TrustedCertificate } from './machine.js';

const PEM_CERTIFICATE =
  /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g;
const REGISTRY = /^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?)=(.+)$/s;

/** What `--ca-cert` names: a file, or a registry and the file of its own authority. */
export interface CertificateSource {
  readonly path: string;
  readonly registry?: string;
  /** `--ca-cert` when absent, or the variable that named it. */
  readonly from?: string;
}

/** Reads `FILE` and `REGISTRY=FILE`. A path with `=` in it is written as `./a=b.pem`. */
export function parseCertificateSource(value: string): CertificateSource {
  const [, registry, path] = REGISTRY.exec(value) ?? [];
  return registry === undefined || path === undefined ? { path: value } : { registry, path };
}

/**
 * The certificates in a file's bytes, PEM with anything around it (text, a private key: left out) or DER, as Windows exports it. Each is
 * shown to `check`, which throws for what is no certificate. Throws UsageError that names the file.
 */
export function readTrustedCertificate(
  source: CertificateSource,
  content: Uint8Array | undefined,
  check: (pem: string) => void,
): TrustedCertificate {
  if (content === undefined) throw unusable(source, 'there is no such file');
  const certificates = certificatesIn(content);
  if (certificates.length === 0) throw unusable(source, 'it holds no certificate, neither as PEM nor as DER');
  for (const pem of certificates) {
    try {
      check(pem);
    } catch (error) {
      throw unusable(source, 'one of its certificates is damaged', error);
    }
  }
  return {
    name: nameOf(source.path),
    pem: certificates.map((pem) => `${pem}\n`).join(''),
    ...(source.registry !== undefined && { registry: source.registry }),
  };
}

function certificatesIn(content: Uint8Array): readonly string[] {
  // A DER certificate is a SEQUENCE with a length of two bytes or more.
  if (content[0] === 0x30 && ((content[1] ?? 0) & 0x80) !== 0) {
    const base64 = Buffer.from(content).toString('base64');
    return [
      `-----BEGIN CERTIFICATE-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----`,
    ];
  }
  const text = new TextDecoder().decode(content).replaceAll('\r\n', '\n');
  return (text.match(PEM_CERTIFICATE) ?? []).map((pem) => pem.replaceAll('TRUSTED ', ''));
}

/** The file's name without its ending, in the letters that are allowed everywhere. */
function nameOf(path: string): string {
  const base = path.split(/[\\/]/).at(-1) ?? '';
  const name = base
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 80);
  return name === '' ? 'ca' : name;
}

function unusable(
  { path, from = '--ca-cert' }: CertificateSource,
  reason: string,
  cause?: unknown,
): UsageError {
  return new UsageError({
    code: 'CA_CERT_INVALID',
    message: `The file "${path}" of ${from} cannot be used`,
    reason,
    nextSteps: [
      'give a file with the certificate of your authority, as your IT department hands it out (.pem, .crt, .cer)',
    ],
    cause,
  });
}
