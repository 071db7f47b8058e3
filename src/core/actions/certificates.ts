import { dirname } from 'node:path';
import type { App, Call } from '../app.js';
import { messageOf, StoreError } from '../errors.js';
import type { AuthOptions } from '../machine.js';
import type { CertifiedKey } from '../ports.js';

/** Whose certificates these are: the contract names the organisation after the user of this computer. */
function organization(app: App): string {
  return app.facts.userName;
}

/**
 * Makes the authority and the client certificate where they are missing or expired, and prints the contract's lines 1 and 2
 * while it does. One process at a time; a second one finds them made (P22). Throws StoreError.
 */
export async function ensureCertificates(app: App, auth: AuthOptions, call: Call): Promise<void> {
  if (await certificatesAreGood(app, auth)) return;
  await app.store.lock('certificates', { signal: call.signal }, async () => {
    const authority = await findAuthority(app, auth);
    if (authority === undefined) {
      await createAll(app, auth, call);
      return;
    }
    if (isExpired(app, authority)) {
      call.reporter.step('CA certificate is outdated and needs to be regenerated');
      await createAll(app, auth, call);
      const isOther = (name: string) => app.store.layout.machine(name).directory !== auth.StorePath;
      warnOfOthers((await app.store.list()).filter(isOther), call);
      return;
    }
    const client = await readPair(app, auth.ClientCertPath, auth.ClientKeyPath);
    if (client !== undefined && isExpired(app, client)) {
      call.reporter.step('Client certificate is outdated and needs to be regenerated');
    } else if (client !== undefined && isGoodClient(app, client, authority)) {
      return;
    }
    await createClient(app, auth, authority, call);
  });
}

/**
 * Makes the authority and the client certificate of these machines anew, whatever is there: `regenerate-certs --client-certs` (P19).
 * Their server certificates must follow; the other machines of the same authority are named in a warning.
 */
export async function renewAuthority(app: App, names: readonly string[], call: Call): Promise<void> {
  call.reporter.step('Regenerating local certificates');
  const records = await Promise.all(names.map((name) => app.store.load(name)));
  const authorities = new Map(
    records.map(({ hostOptions: { AuthOptions } }) => [AuthOptions.CaCertPath, AuthOptions]),
  );
  await app.store.lock('certificates', { signal: call.signal }, async () => {
    for (const auth of authorities.values()) await createAll(app, auth, call);
  });
  warnOfOthers(
    (await app.store.list()).filter((name) => !names.includes(name)),
    call,
  );
}

function warnOfOthers(others: readonly string[], call: Call): void {
  if (others.length === 0) return;
  call.reporter.warn(
    `Other machines refuse the new client certificate until you run: tmachine regenerate-certs ${others.join(' ')}`,
  );
}

/** The authority's certificate and key. Throws StoreError when either is missing. */
export async function readAuthority(app: App, auth: AuthOptions, machineName: string): Promise<CertifiedKey> {
  const authority = await findAuthority(app, auth);
  if (authority === undefined) {
    throw new StoreError({
      code: 'CA_MISSING',
      message: `The certificate authority of this machine is gone: ${auth.CaCertPath}`,
      reason: 'new certificates cannot be signed without it',
      nextSteps: [
        `make a new one for all machines with: tmachine regenerate-certs --client-certs ${machineName}`,
      ],
    });
  }
  return authority;
}

async function certificatesAreGood(app: App, auth: AuthOptions): Promise<boolean> {
  const authority = await readPair(app, auth.CaCertPath, auth.CaPrivateKeyPath);
  const client = await readPair(app, auth.ClientCertPath, auth.ClientKeyPath);
  return (
    authority !== undefined &&
    client !== undefined &&
    app.certificates.matches(authority) &&
    !isExpired(app, authority) &&
    !isExpired(app, client) &&
    isGoodClient(app, client, authority)
  );
}

function isExpired(app: App, pair: CertifiedKey): boolean {
  return app.certificates.describe(pair.certificate).notAfter <= app.clock.now();
}

function isGoodClient(app: App, client: CertifiedKey, authority: CertifiedKey): boolean {
  return (
    app.certificates.matches(client) && app.certificates.isIssuedBy(client.certificate, authority.certificate)
  );
}

/** In a new store the whole directory appears at once: a kill leaves nothing that a later run could trip over. */
async function createAll(app: App, auth: AuthOptions, call: Call): Promise<void> {
  call.reporter.step(`Creating CA: ${auth.CaCertPath}`);
  const authority = await app.certificates.createAuthority(organization(app));
  call.reporter.step(`Creating client certificate: ${auth.ClientCertPath}`);
  const client = await issueClient(app, authority);
  const files = [
    { path: auth.CaPrivateKeyPath, content: authority.key, mode: 0o600 },
    { path: auth.ClientKeyPath, content: client.key, mode: 0o600 },
    { path: auth.ClientCertPath, content: client.certificate, mode: 0o644 },
    { path: auth.CaCertPath, content: authority.certificate, mode: 0o644 },
  ];
  if (files.every((file) => dirname(file.path) === auth.CertDir)) {
    const named = new Map(
      files.map(({ path, content, mode }) => [path.slice(auth.CertDir.length + 1), { content, mode }]),
    );
    if (await app.store.writeDirectory(auth.CertDir, named)) return;
  }
  // A renewal that is cut off in the middle leaves half a pair; what was there before is not lost.
  for (const { path, mode } of files) {
    const old = await app.store.readFile(path);
    if (old !== undefined) await app.store.writeFile(`${path}.previous`, old, mode);
  }
  for (const file of files) await app.store.writeFile(file.path, file.content, file.mode);
}

async function createClient(app: App, auth: AuthOptions, authority: CertifiedKey, call: Call): Promise<void> {
  call.reporter.step(`Creating client certificate: ${auth.ClientCertPath}`);
  const client = await issueClient(app, authority);
  await app.store.writeFile(auth.ClientKeyPath, client.key, 0o600);
  await app.store.writeFile(auth.ClientCertPath, client.certificate, 0o644);
}

function issueClient(app: App, authority: CertifiedKey): Promise<CertifiedKey> {
  return app.certificates.issueClient(authority, `${organization(app)}.<bootstrap>`);
}

/** The authority, or undefined when it has to be made. Half of one may be somebody's only copy: it is never overwritten. */
async function findAuthority(app: App, auth: AuthOptions): Promise<CertifiedKey | undefined> {
  const certificate = await readText(app, auth.CaCertPath);
  const key = await readText(app, auth.CaPrivateKeyPath);
  const pair = await readPair(app, auth.CaCertPath, auth.CaPrivateKeyPath);
  if (pair !== undefined && app.certificates.matches(pair)) return pair;
  if (certificate === undefined && key === undefined) return undefined;
  throw new StoreError({
    code: 'CA_INCOMPLETE',
    verbatim: true,
    message:
      certificate === undefined
        ? 'Error generating certificates: certificate authority key already exists'
        : 'Error generating certificates: certificate authority key is missing or belongs to another certificate',
    reason: `"${auth.CaCertPath}" and "${auth.CaPrivateKeyPath}" are not a pair`,
    nextSteps: [
      'restore the missing file, if you have it: a renewal keeps the old ones as *.previous',
      'or make all certificates anew: tmachine regenerate-certs --client-certs',
    ],
  });
}

/** A pair of files, or undefined when one is missing. Throws StoreError for a file that is no certificate. */
async function readPair(
  app: App,
  certificatePath: string,
  keyPath: string,
): Promise<CertifiedKey | undefined> {
  const certificate = await readText(app, certificatePath);
  const key = await readText(app, keyPath);
  if (certificate === undefined || key === undefined) return undefined;
  try {
    app.certificates.describe(certificate);
  } catch (error) {
    throw new StoreError({
      code: 'CERTIFICATE_UNREADABLE',
      message: `Could not read the certificate "${certificatePath}"`,
      reason: messageOf(error),
      nextSteps: [
        'move the broken file and its key away, then run the command again: they are made anew',
        'machines that exist need then: tmachine regenerate-certs NAME',
      ],
      cause: error,
    });
  }
  return { certificate, key };
}

/** A file's text, or undefined when there is no such file. */
export async function readText(app: App, path: string): Promise<string | undefined> {
  const bytes = await app.store.readFile(path);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
