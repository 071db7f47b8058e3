import { createPrivateKey, X509Certificate } from 'node:crypto';
import { SocketAddress } from 'node:net';
import { messageOf, StoreError } from '../core/errors.js';
import type { CertificateFacts, CertifiedKey } from '../core/ports.js';

/** Dates and names of a certificate in PEM. Throws StoreError when the text is no certificate. */
export function describe(certificate: string): CertificateFacts {
  const read = readCertificate(certificate);
  return {
    notBefore: Date.parse(read.validFrom),
    notAfter: Date.parse(read.validTo),
    names: parseAlternativeNames(read.subjectAltName ?? ''),
  };
}

/** True when `key` (PEM) is the certificate's own key; false also for a key that cannot be read. Throws StoreError as `describe` does. */
export function matches(pair: CertifiedKey): boolean {
  const certificate = readCertificate(pair.certificate);
  try {
    return certificate.checkPrivateKey(createPrivateKey(pair.key));
  } catch {
    return false; // a damaged or encrypted key is not the certificate's key for any purpose of ours
  }
}

/** True when `certificate` names `authority` as its issuer and its signature proves it. Throws StoreError as `describe` does. */
export function isIssuedBy(certificate: string, authority: string): boolean {
  const issued = readCertificate(certificate);
  const issuer = readCertificate(authority);
  return issued.checkIssued(issuer) && issued.verify(issuer.publicKey);
}

/** The first certificate in a PEM text. Throws StoreError when there is none. */
export function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new StoreError({
      code: 'CERTIFICATE_UNREADABLE',
      message: 'This is not a certificate in PEM form',
      reason: messageOf(error),
      cause: error,
    });
  }
}

/**
 * Names out of Node's text form, `DNS:localhost, IP Address:0:0:0:0:0:0:0:1`. A value with a comma or a quote in it is
 * written as a JSON string there: https://nodejs.org/api/crypto.html#x509subjectaltname
 */
function parseAlternativeNames(text: string): string[] {
  const names: string[] = [];
  for (const [, kind, quoted, plain] of text.matchAll(/([^:,]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/g)) {
    const value = quoted === undefined ? (plain ?? '') : String(JSON.parse(quoted));
    if (kind === 'DNS') names.push(value);
    if (kind === 'IP Address') names.push(shortAddress(value));
  }
  return names;
}

/** OpenSSL writes an IPv6 address without `::`; callers compare with what they asked for. */
function shortAddress(address: string): string {
  return address.includes(':') ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}
