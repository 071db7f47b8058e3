import { readText } from '../actions/certificates.js';
import type { App, Call } from '../app.js';
import type { MachineRecord } from '../machine.js';
import { attempted, type Check, note, ok, problem } from './check.js';

const DAY_MS = 86_400_000;
/** From here on it is said (P19). */
const WARN_DAYS = 30;

/** How long the authority and the client certificates of these machines are good; in an empty store those that `create` would use. */
export async function checkCertificates(
  app: App,
  records: readonly MachineRecord[],
  call: Call,
): Promise<readonly Check[]> {
  const { certs } = app.store.layout;
  const separator = app.facts.platform === 'win32' ? '\\' : '/';
  const files = new Map([
    [`${certs}${separator}ca.pem`, 'authority'],
    [`${certs}${separator}cert.pem`, 'client certificate'],
  ]);
  for (const { hostOptions } of records) {
    files.set(hostOptions.AuthOptions.CaCertPath, 'authority');
    files.set(hostOptions.AuthOptions.ClientCertPath, 'client certificate');
  }
  const checks = await Promise.all(
    [...files].map(([path, title]) =>
      attempted('certificates', call.signal, async () => [await checkFile(app, path, title)]),
    ),
  );
  return checks.flat();
}

async function checkFile(app: App, path: string, title: string): Promise<Check> {
  const text = await readText(app, path);
  if (text === undefined) return ok('certificates', `${title}: not made yet; create makes it (${path})`);
  const days = Math.floor((app.certificates.describe(text).notAfter - app.clock.now()) / DAY_MS);
  if (days > WARN_DAYS) return ok('certificates', `${title}: good for ${days} days (${path})`);
  const trouble = {
    nextSteps: ['make all certificates anew: tmachine regenerate-certs --client-certs NAME...'],
  };
  return days < 0
    ? problem('certificates', {
        ...trouble,
        code: 'CERTIFICATE_EXPIRED',
        text: `${title}: expired (${path})`,
        reason: 'certificates last 1080 days',
      })
    : note('certificates', {
        ...trouble,
        code: 'CERTIFICATE_EXPIRES',
        text: `${title}: good for ${days} more days only (${path})`,
      });
}
