import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../src/certs/authority.js';
import { parseCertificateSource, readTrustedCertificate } from '../../src/core/trusted-certificate.js';
import { openHost } from '../../src/host/open-host.js';

describe('P03: certificates of a company', () => {
  let pem: string;
  let key: string;
  const { clock, random } = openHost();
  const certificates = createCertificateAuthority({ clock, random });
  const check = (text: string) => void certificates.describe(text);
  const read = (path: string, content: string | Uint8Array) =>
    readTrustedCertificate({ path }, typeof content === 'string' ? Buffer.from(content) : content, check);

  beforeAll(async () => {
    const pair = await certificates.createAuthority('Corp');
    pem = pair.certificate.trim();
    key = pair.key;
  });

  test('of a PEM file only the certificates are taken, and all of them', () => {
    const text = `subject=Corp\r\n${pem.replaceAll('\n', '\r\n')}\r\n${key}\r\n${pem}`;
    expect(read('/etc/ssl/corp-root.pem', text)).toEqual({ name: 'corp-root', pem: `${pem}\n${pem}\n` });
  });

  test('a DER file, as Windows exports it, is taken too', () => {
    const { pem: found } = read('C:\\Users\\me\\Corp Root CA.cer', new X509Certificate(pem).raw);
    expect(new X509Certificate(found).fingerprint256).toBe(new X509Certificate(pem).fingerprint256);
  });

  test.each([
    ['C:\\Users\\me\\Corp Root CA.cer', 'Corp-Root-CA'],
    ['/x/.hidden', 'ca'],
    ['../Käyttäjä ca.crt', 'K-ytt-j-ca'],
    ['ca', 'ca'],
    ["a'; rm -rf $HOME.pem", 'a-rm--rf-HOME'],
  ])('the name of %s in the guest is %s', (path, name) => {
    expect(read(path, pem).name).toBe(name);
  });

  test('a registry may be named before the file; a path is a path', () => {
    expect(parseCertificateSource('reg.example:5000=/x/ca.pem')).toEqual({
      registry: 'reg.example:5000',
      path: '/x/ca.pem',
    });
    for (const path of ['/x/ca.pem', 'C:\\x\\a=b.pem', './a=b.pem', 'ca.pem']) {
      expect(parseCertificateSource(path)).toEqual({ path });
    }
  });

  test.each([
    ['nothing', 'it holds no certificate'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'one of its certificates is damaged'],
  ])('a file with %j is refused, and named', (content, reason) => {
    expect(() => read('/x/ca.pem', content)).toThrow(
      expect.objectContaining({
        message: 'The file "/x/ca.pem" of --ca-cert cannot be used',
        reason: expect.stringContaining(reason),
      }),
    );
  });

  test('a file that is not there is refused', () => {
    expect(() => readTrustedCertificate({ path: '/x/ca.pem' }, undefined, check)).toThrow(
      expect.objectContaining({ reason: 'there is no such file' }),
    );
  });
});
