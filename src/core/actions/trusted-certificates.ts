import type { App, Call } from '../app.js';
import type { TrustedCertificate } from '../machine.js';
import { parseCertificateSource, readTrustedCertificate } from '../trusted-certificate.js';

/**
 * The certificates that `--ca-cert` names, for a guest to trust; a warning for each that has ended. Throws UsageError, in which `from` is
 * named, for a file that cannot be used, StoreError for one that cannot be read.
 */
export async function readTrusted(
  app: App,
  values: readonly string[],
  call: Call,
  from = '--ca-cert',
): Promise<readonly TrustedCertificate[]> {
  const trusted: TrustedCertificate[] = [];
  for (const value of values) {
    const source = { ...parseCertificateSource(value), from };
    const content = await app.store.readFile(source.path);
    const check = (pem: string) => {
      const { notAfter } = app.certificates.describe(pem);
      if (notAfter > app.clock.now()) return;
      call.reporter.warn(
        `A certificate in "${source.path}" ended on ${new Date(notAfter).toISOString().slice(0, 10)}.`,
      );
    };
    trusted.push(readTrustedCertificate(source, content, check));
  }
  return trusted;
}
