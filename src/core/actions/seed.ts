import { type App, driverMachine } from '../app.js';
import type { ReservedAddress } from '../driver.js';
import type { SeedFile } from '../guest-disk.js';
import type { MachineRecord } from '../machine.js';
import { chooseProvisioner } from '../os-release.js';
import { enginePlan, seedName } from './provision.js';

/** Of the seed's 256 KiB, what certificates of the user may take. */
const ROOM_FOR_TRUSTED = 192 * 1024;

/** False for a machine whose certificates are too many for a seed: it is provisioned over SSH. */
export function fitsSeed(record: MachineRecord): boolean {
  return (record.notes.trusted ?? []).reduce((sum, it) => sum + it.pem.length + 1024, 0) <= ROOM_FOR_TRUSTED;
}

/**
 * What one-step provisioning puts on the disk: the same files that provisioning over SSH writes, the host name, and an SSH host
 * key that is pinned before the first contact (P24). The server certificate must have been issued. `card` has an address of its own.
 */
export async function guestSeed(
  app: App,
  record: MachineRecord,
  card?: ReservedAddress['card'],
): Promise<{ readonly files: readonly SeedFile[]; readonly hostKey: string }> {
  const provisioner = chooseProvisioner(app.provisioners, {
    ID: 'boot2docker',
    ID_LIKE: '',
    VERSION_ID: '',
    PRETTY_NAME: '',
  });
  const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
  const plan = await enginePlan(app, record, endpoint.guestEnginePort);
  const hostKey = await app.ssh.generateKey('ed25519');
  const files = [
    // What a seed cannot carry follows over SSH.
    ...provisioner.engineFiles(plan).flatMap((file) => {
      const name = seedName(file);
      return name === undefined ? [] : [{ name, mode: file.mode, content: file.content }];
    }),
    { name: 'etc/hostname', mode: 0o644, content: `${record.name}\n` },
    ...(card === undefined
      ? []
      : [{ name: 'etc/network', mode: 0o644, content: `MAC=${card.mac} ADDRESS=${card.cidr}\n` }]),
    { name: 'ssh/ssh_host_ed25519_key', mode: 0o600, content: hostKey.privateKey },
    { name: 'ssh/ssh_host_ed25519_key.pub', mode: 0o644, content: hostKey.publicKey },
  ];
  return { files, hostKey: hostKey.publicKey.trim() };
}
