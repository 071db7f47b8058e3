import { makeUstar, type TarEntry } from './ustar.js';

/** The first entry's name is what a boot2docker guest looks for at byte 0 of a disk before it formats it. */
const MAGIC = 'boot2docker, please format-me';
/** The guest keeps this much of the disk as userdata.tar and no more (contract: boot2docker-guest.md section 2). */
const CONTRACT_PART_BYTES = 4096;

/** Where the seed begins: well beyond what a stock guest looks at. */
export const SEED_OFFSET = 64 * 1024;
/** What the guest reads, and wipes, from there on. */
export const SEED_LIMIT_BYTES = 256 * 1024;
const SEED_MARK = 'tmachine-seed-1';

/** What the guest takes from a seed; it ignores everything else. Relative to /var/lib/boot2docker. */
const SEED_NAMES = new Set([
  'profile',
  'ca.pem',
  'server.pem',
  'server-key.pem',
  'etc/hostname',
  'etc/docker/daemon.json',
  'etc/network',
  'ssh/ssh_host_ed25519_key',
  'ssh/ssh_host_ed25519_key.pub',
]);
const SEED_CERTIFICATE = /^certs\/[A-Za-z0-9][A-Za-z0-9._-]*\.(?:pem|crt)$/;
const SEED_REGISTRY_CERTIFICATE =
  /^etc\/docker\/certs\.d\/[A-Za-z0-9][A-Za-z0-9._:-]*\/[A-Za-z0-9][A-Za-z0-9._-]*\.crt$/;

/** A file that the guest finds below /var/lib/boot2docker when it boots for the first time. */
export interface SeedFile {
  readonly name: string;
  /** Permission bits: 0o600 for keys. */
  readonly mode: number;
  readonly content: string | Uint8Array;
}

/**
 * The first bytes of a new machine's disk: the tar that asks a boot2docker guest to format it and lets `publicKey` (one line of
 * authorized_keys, with its line end) log in; with `seed`, also the files of one-step provisioning, for images marked as able to.
 * Throws RangeError when the key or the seed is too big, or when the guest would ignore a seed file.
 */
export function makeDiskHead(disk: {
  readonly publicKey: string;
  readonly seed?: readonly SeedFile[] | undefined;
}): Uint8Array {
  const contractPart = makeContractPart(disk.publicKey);
  if (disk.seed === undefined) return contractPart;
  const seed = makeSeed(disk.seed);
  const head = new Uint8Array(SEED_OFFSET + seed.length);
  head.set(contractPart, 0);
  head.set(seed, SEED_OFFSET);
  return head;
}

/** True for a name that the guest takes from a seed. */
export function isSeedName(name: string): boolean {
  return SEED_NAMES.has(name) || SEED_CERTIFICATE.test(name) || SEED_REGISTRY_CERTIFICATE.test(name);
}

/**
 * docker-machine writes the key twice; with a key of more than 512 bytes (RSA 4096) the second copy does not fit, and docker-machine
 * writes half of it. The guest's sshd reads the first, so the second is left out then. The closing zero blocks may be cut.
 */
function makeContractPart(publicKey: string): Uint8Array {
  const whole = makeUstar(contractEntries(publicKey, ['authorized_keys', 'authorized_keys2']), {
    end: false,
  });
  const archive =
    whole.length <= CONTRACT_PART_BYTES
      ? whole
      : makeUstar(contractEntries(publicKey, ['authorized_keys']), { end: false });
  if (archive.length > CONTRACT_PART_BYTES) {
    throw new RangeError(
      `the SSH key has ${publicKey.length} bytes: with it the disk's head has ${archive.length}, and the guest reads ${CONTRACT_PART_BYTES}`,
    );
  }
  const part = new Uint8Array(CONTRACT_PART_BYTES);
  part.set(archive, 0);
  return part;
}

function contractEntries(publicKey: string, keyFiles: readonly string[]): TarEntry[] {
  return [
    { name: MAGIC, type: 'file', mode: 0, content: MAGIC },
    { name: '.ssh', type: 'directory', mode: 0o700 },
    ...keyFiles.map((name): TarEntry => {
      return { name: `.ssh/${name}`, type: 'file', mode: 0o644, content: publicKey };
    }),
  ];
}

function makeSeed(files: readonly SeedFile[]): Uint8Array {
  const stranger = files.find((file) => !isSeedName(file.name));
  if (stranger !== undefined) {
    throw new RangeError(`the guest takes no file "${stranger.name}" from a seed`);
  }
  const entries = files.map((file): TarEntry => ({ ...file, type: 'file' }));
  const mark: TarEntry = { name: SEED_MARK, type: 'file', mode: 0o600, content: `${SEED_MARK}\n` };
  const seed = makeUstar([mark, ...entries]);
  if (seed.length > SEED_LIMIT_BYTES) {
    throw new RangeError(`the seed has ${seed.length} bytes, and the guest reads ${SEED_LIMIT_BYTES}`);
  }
  return seed;
}
