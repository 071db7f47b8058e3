import { posix, win32 } from 'node:path';
import { UsageError } from '../core/errors.js';
import type { HostFacts, LockName, StoreLayout } from '../core/ports.js';

type Platform = HostFacts['platform'];

/** The rules for paths on a platform, whatever this one is. */
export function pathsOf(platform: Platform): typeof posix | typeof win32 {
  return platform === 'win32' ? win32 : posix;
}

/** Every path below `root`, which is absolute (contract: store.md section 1). */
export function storeLayout(root: string, platform: Platform): StoreLayout {
  const { join } = pathsOf(platform);
  const machines = join(root, 'machines');
  return {
    root,
    certs: join(root, 'certs'),
    cache: join(root, 'cache'),
    machines,
    machine(name) {
      const directory = join(machines, name);
      return {
        directory,
        config: join(directory, 'config.json'),
        notes: join(directory, 'tmachine.json'),
        image: join(directory, 'boot2docker.iso'),
        previousImage: join(directory, 'boot2docker.iso.previous'),
        sshKey: join(directory, 'id_rsa'),
        caCert: join(directory, 'ca.pem'),
        clientCert: join(directory, 'cert.pem'),
        clientKey: join(directory, 'key.pem'),
        serverCert: join(directory, 'server.pem'),
        serverKey: join(directory, 'server-key.pem'),
      };
    },
  };
}

/** True for the name of one directory entry: nothing that would lead out of `machines/`, whatever a user types. */
export function isEntryName(name: string, platform: Platform): boolean {
  if (name === '' || name === '.' || name === '..' || name.includes('\0')) return false;
  return !(platform === 'win32' ? /[\\/:]/ : /\//).test(name);
}

/** The record before the last change, and the one before its migration: docker-machine's name for the latter. */
export function generations(config: string): { readonly previous: string; readonly beforeMigration: string } {
  return { previous: `${config}.previous`, beforeMigration: `${config}.bak` };
}

/**
 * The store's directory: the `--storage-path` flag, MACHINE_STORAGE_PATH, or `.docker/machine` in the home directory; an empty value
 * counts as absent, a relative one is taken from `currentDirectory`. Throws UsageError for a path that could not be printed safely, and
 * when there is no home directory to fall back to.
 */
export function storeRoot(
  facts: Pick<HostFacts, 'platform' | 'homeDirectory' | 'env'>,
  flag: string | undefined,
  currentDirectory: string,
): string {
  const path = pathsOf(facts.platform);
  const given = flag || facts.env.MACHINE_STORAGE_PATH;
  const root = given ? path.resolve(currentDirectory, given) : userStore(facts);
  if (root === undefined) {
    throw new UsageError({
      code: 'STORE_PATH_UNKNOWN',
      message: 'There is no home directory to keep machines in',
      reason: `${facts.platform === 'win32' ? 'USERPROFILE' : 'HOME'} is not set`,
      nextSteps: ['name a directory with --storage-path or in MACHINE_STORAGE_PATH'],
    });
  }
  assertPrintable(root);
  return root;
}

/** The store that is the user's own when none is named; undefined without a home directory. */
function userStore(facts: Pick<HostFacts, 'platform' | 'homeDirectory'>): string | undefined {
  if (facts.homeDirectory === '') return undefined;
  return pathsOf(facts.platform).join(facts.homeDirectory, '.docker', 'machine');
}

/** `env` prints the path for a shell to evaluate, and config.json for people to read: no line breaks, no escape sequences. */
function assertPrintable(root: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (!/[\x00-\x1f\x7f-\x9f]/.test(root)) return;
  throw new UsageError({
    code: 'STORE_PATH_INVALID',
    message: `The storage path ${JSON.stringify(root)} cannot be used`,
    reason: 'it contains a control character, such as a line break',
    nextSteps: ['name another directory with --storage-path or in MACHINE_STORAGE_PATH'],
  });
}

/** Where locks are: those of a store, and those of everything that a user's machines share whatever store they are in. */
export interface LockDirectories {
  readonly store: string;
  readonly user: string;
}

/** A directory below `machines/` would be a machine to docker-machine, so locks have a place of their own. */
export function lockDirectories(
  root: string,
  facts: Pick<HostFacts, 'platform' | 'homeDirectory'>,
): LockDirectories {
  const { join } = pathsOf(facts.platform);
  const inStore = (store: string) => join(store, '.tmachine', 'locks');
  return { store: inStore(root), user: inStore(userStore(facts) ?? root) };
}

/** A lock's file below its directory, without its ending, and how a person would call it. */
export function lockLabel(name: LockName): { readonly file: string; readonly title: string } {
  if (typeof name === 'string') {
    return name === 'certificates'
      ? { file: 'certificates', title: 'the certificates' }
      : { file: 'host-only', title: 'the host-only networks' };
  }
  return 'machine' in name
    ? { file: `machine-${fileWord(name.machine)}`, title: `the machine "${name.machine}"` }
    : { file: `cache-${fileWord(name.cache)}`, title: `the cached file "${name.cache}"` };
}

/** How a person would call the lock whose file, without its ending, has this name: the way back from `lockLabel`. */
export function lockTitle(file: string): string {
  const name = (word: string) => {
    try {
      return decodeURIComponent(word);
    } catch {
      return word; // a file that is none of ours
    }
  };
  if (file.startsWith('machine-')) return lockLabel({ machine: name(file.slice('machine-'.length)) }).title;
  if (file.startsWith('cache-')) return lockLabel({ cache: name(file.slice('cache-'.length)) }).title;
  if (file === 'host-only' || file === 'certificates') return lockLabel(file).title;
  return `"${file}"`;
}

/** Names of machines stay as they are; whatever a file name should not hold becomes `%` and hexadecimal digits. */
function fileWord(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    const letter = String.fromCharCode(byte);
    return /[a-zA-Z0-9._-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}
