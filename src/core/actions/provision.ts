import { certificateNames, knownAddress } from '../address.js';
import { type App, type Call, driverMachine } from '../app.js';
import { GuestError, StoreError } from '../errors.js';
import { isSeedName } from '../guest-disk.js';
import type { MachineRecord } from '../machine.js';
import { chooseProvisioner, parseOsRelease } from '../os-release.js';
import type { GuestShell, SshSession } from '../ports.js';
import type { EnginePlan, GuestFile, Provisioner } from '../provisioner.js';
import { readAuthority, readText } from './certificates.js';
import { connectGuest, learnAddress, machineAddress } from './guest.js';
import { warnOfUnreachableProxies } from './guest-proxies.js';
import { mountSharedFolders } from './shared-folders.js';

/** Where the guest unpacks its seed. */
const SEED_HOME = '/var/lib/boot2docker/';

/**
 * From a running machine to an engine with our certificates; prints the contract's lines 21 to 28, each when it is true. A guest that
 * took its seed is only asked to prove it; any other is provisioned over SSH. Returns the record with the pinned host key.
 */
export async function provisionGuest(app: App, record: MachineRecord, call: Call): Promise<MachineRecord> {
  const { reporter } = call;
  reporter.step('Waiting for machine to be running, this may take a few minutes...');
  reporter.step('Detecting operating system of created instance...');
  reporter.step('Waiting for SSH to be available...');
  const session = await connectGuest(app, record, call);
  try {
    const known = { ...record, notes: { ...record.notes, hostKey: session.hostKey } };
    reporter.step('Detecting the provisioner...');
    const provisioner = await detectProvisioner(app, session);
    reporter.step(`Provisioning with ${provisioner.name}...`);
    const pinned = await learnAddress(app, known, session, call);
    if ((await tookItsSeed(app, pinned, session)) && (await isNamed(app, pinned))) {
      reporter.step('Copying certs to the local machine directory...');
      await copyClientCertificates(app, pinned);
      reporter.step('Copying certs to the remote machine...');
      const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
      const plan = await enginePlan(app, pinned, endpoint.guestEnginePort);
      // The first images that took a seed left a registry's own certificates out.
      for (const file of provisioner.engineFiles(plan)) {
        if (seedName(file) === undefined || isOfOneRegistry(file))
          await writeGuestFile(session, file, record.name);
      }
      reporter.step('Setting Docker configuration on the remote daemon...');
      await warnOfUnreachableProxies(pinned, session, call);
      await mountSharedFolders(app, pinned, session, call);
      return pinned;
    }
    const provisioned = await provisionOverSsh(app, pinned, provisioner, session, call);
    await mountSharedFolders(app, provisioned, session, call);
    return provisioned;
  } finally {
    await session.close();
  }
}

/** `provision NAME` and `regenerate-certs NAME`: certificates and engine settings anew on a running machine. */
export async function reprovisionGuest(app: App, record: MachineRecord, call: Call): Promise<MachineRecord> {
  call.reporter.step('Waiting for SSH to be available...');
  const session = await connectGuest(app, record, call);
  try {
    call.reporter.step('Detecting the provisioner...');
    const pinned = { ...record, notes: { ...record.notes, hostKey: session.hostKey } };
    return await provisionOverSsh(app, pinned, await detectProvisioner(app, session), session, call);
  } finally {
    await session.close();
  }
}

async function detectProvisioner(app: App, shell: GuestShell): Promise<Provisioner> {
  return chooseProvisioner(app.provisioners, parseOsRelease((await shell.run('cat /etc/os-release')).stdout));
}

/** The contract's way, for every guest: lines 26 to 28. */
async function provisionOverSsh(
  app: App,
  known: MachineRecord,
  provisioner: Provisioner,
  session: SshSession,
  call: Call,
): Promise<MachineRecord> {
  call.reporter.step('Copying certs to the local machine directory...');
  await copyClientCertificates(app, known);
  const record = await learnAddress(app, known, session, call);
  const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
  const address = await machineAddress(app, record, call);
  const names = certificateNames(record.name, address, record.hostOptions.AuthOptions.ServerCertSANs ?? []);
  await issueServerCertificate(app, record, names);
  const plan = await enginePlan(app, record, endpoint.guestEnginePort);

  await provisioner.setHostname(session, record.name);
  await provisioner.installEngine(session, plan);
  call.reporter.step('Copying certs to the remote machine...');
  await provisioner.service(session, 'stop');
  const files = provisioner.engineFiles(plan);
  for (const file of files) await writeGuestFile(session, file, record.name);
  await provisioner.trust?.(session, plan);
  call.reporter.step('Setting Docker configuration on the remote daemon...');
  await provisioner.service(session, 'start');
  await warnOfUnreachableProxies(record, session, call);
  const { settingsPending: _, ...notes } = record.notes;
  return { ...record, notes };
}

/** All that an engine's set-up depends on. Throws StoreError when the authority or the server certificate is missing. */
export async function enginePlan(app: App, record: MachineRecord, port: number): Promise<EnginePlan> {
  const auth = record.hostOptions.AuthOptions;
  return {
    machineName: record.name,
    driverName: record.driverName,
    engine: record.hostOptions.EngineOptions,
    port,
    ca: await needText(app, auth.CaCertPath, record.name),
    serverCertificate: await needText(app, auth.ServerCertPath, record.name),
    serverKey: await needText(app, auth.ServerKeyPath, record.name),
    trusted: record.notes.trusted ?? [],
  };
}

/** The name under which a seed carries a file; undefined for one that it cannot carry. */
export function seedName({ path }: GuestFile): string | undefined {
  if (!path.startsWith(SEED_HOME)) return undefined;
  const name = path.slice(SEED_HOME.length);
  return isSeedName(name) ? name : undefined;
}

async function needText(app: App, path: string, machineName: string): Promise<string> {
  const text = await readText(app, path);
  if (text !== undefined) return text;
  throw new StoreError({
    code: 'CERTIFICATE_MISSING',
    message: `Could not read the certificate file "${path}"`,
    reason: 'it is not there',
    nextSteps: [`make it anew with: tmachine regenerate-certs --client-certs ${machineName}`],
  });
}

/** Signs a new server certificate for these names and keeps it in the machine's directory. */
export async function issueServerCertificate(
  app: App,
  record: MachineRecord,
  names: readonly string[],
): Promise<void> {
  const auth = record.hostOptions.AuthOptions;
  const authority = await readAuthority(app, auth, record.name);
  const server = await app.certificates.issueServer(authority, {
    organization: `${app.facts.userName}.${record.name}`,
    names,
    alsoClient: record.hostOptions.SwarmOptions.Master,
  });
  await app.store.writeFile(auth.ServerKeyPath, server.key, 0o600);
  await app.store.writeFile(auth.ServerCertPath, server.certificate, 0o644);
}

/** DOCKER_CERT_PATH is the machine's directory: the client's files are copied there. */
export async function copyClientCertificates(app: App, record: MachineRecord): Promise<void> {
  const auth = record.hostOptions.AuthOptions;
  const paths = app.store.layout.machine(record.name);
  const copies = [
    { from: auth.CaCertPath, to: paths.caCert, mode: 0o644 },
    { from: auth.ClientCertPath, to: paths.clientCert, mode: 0o644 },
    { from: auth.ClientKeyPath, to: paths.clientKey, mode: 0o600 },
  ];
  for (const { from, to, mode } of copies) {
    const content = await app.store.readFile(from);
    if (content !== undefined) await app.store.writeFile(to, content, mode);
  }
}

/** The guest serves the very certificate that was put on its disk. */
async function tookItsSeed(app: App, record: MachineRecord, shell: GuestShell): Promise<boolean> {
  if (record.notes.image?.oneStep !== true) return false;
  const ours = await readText(app, record.hostOptions.AuthOptions.ServerCertPath);
  const theirs = await shell.run('sudo cat /var/lib/boot2docker/server.pem 2>/dev/null');
  return ours !== undefined && theirs.stdout.trim() === ours.trim();
}

/** The certificate that was put on the disk names the address that the guest has now: it may have got another one than was meant (P20). */
async function isNamed(app: App, record: MachineRecord): Promise<boolean> {
  const address = knownAddress(app.driver(record.driverName).endpoint(driverMachine(app, record)));
  const certificate = await readText(app, record.hostOptions.AuthOptions.ServerCertPath);
  if (address === undefined || certificate === undefined) return false;
  return app.certificates.describe(certificate).names.includes(address);
}

/** The engine looks for these each time that it talks to a registry: it need not start anew for them. */
export function isOfOneRegistry({ path }: GuestFile): boolean {
  return path.includes('/certs.d/');
}

/** The content travels on stdin; the file appears whole, with its mode, owned by root. */
export async function writeGuestFile(shell: GuestShell, file: GuestFile, machineName: string): Promise<void> {
  const script =
    'sudo sh -c \'umask 077; mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"\' sh "$1" "$2"';
  const result = await shell.run(script, [file.path, file.mode.toString(8)], { input: file.content });
  if (result.status !== 0) {
    throw new GuestError({
      code: 'GUEST_WRITE_FAILED',
      message: `Could not write "${file.path}" in the guest`,
      reason: result.stderr.trim().split('\n').at(-1) || `exit code ${result.status}`,
      nextSteps: [`look whether the guest has space left with: tmachine ssh ${machineName} df -h`],
    });
  }
}
