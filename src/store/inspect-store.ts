import { readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import type { FoundLock, StoreInspection } from '../core/diagnosis/parts.js';
import { messageOf } from '../core/errors.js';
import type { HostFacts, ProcessTable, Random, StoreLayout } from '../core/ports.js';
import { lockDirectories, lockTitle, pathsOf } from './layout.js';
import { type LockHolder, readLock } from './lock-file.js';
import { systemText } from './system-text.js';

export interface InspectStoreParts {
  readonly layout: Pick<StoreLayout, 'root'>;
  readonly facts: Pick<HostFacts, 'platform' | 'homeDirectory' | 'hostName' | 'hostId'>;
  readonly processTable: Pick<ProcessTable, 'isAlive'>;
  readonly random: Random;
}

/** What can be seen of the store's place on the disk. Leaves nothing behind; throws nothing that a report could not say. */
export async function inspectStore(parts: InspectStoreParts): Promise<StoreInspection> {
  const { root } = parts.layout;
  const place = await nearestDirectory(root, parts);
  const locks = lockDirectories(root, parts.facts);
  const directories = [...new Set([locks.store, locks.user])];
  return {
    root,
    exists: place === root,
    notWritable: await whyNotWritable(place, parts),
    freeMib: await statfs(place).then(
      ({ bavail, bsize }) => Math.floor((bavail * bsize) / (1024 * 1024)),
      () => undefined, // not every system tells
    ),
    locks: (await Promise.all(directories.map((directory) => findLocks(directory, parts)))).flat(),
  };
}

/** The directory itself, or the one in which it would be made. */
async function nearestDirectory(path: string, { facts }: InspectStoreParts): Promise<string> {
  const { dirname } = pathsOf(facts.platform);
  for (let at = path; ; at = dirname(at)) {
    const isThere = await stat(at).then(
      () => true,
      () => false,
    );
    if (isThere || dirname(at) === at) return at;
  }
}

/** By trying: rights, quotas and read-only file systems are told apart by the system alone. */
async function whyNotWritable(directory: string, parts: InspectStoreParts): Promise<string | undefined> {
  const { platform } = parts.facts;
  const suffix = Buffer.from(parts.random.bytes(4)).toString('hex');
  const path = pathsOf(platform).join(directory, `.tmachine-doctor-${suffix}`);
  try {
    await writeFile(path, 'May be deleted.\n', { flag: 'wx', mode: 0o600 });
    return undefined;
  } catch (error) {
    return systemText(error, platform);
  } finally {
    await rm(path, { force: true }).catch(() => undefined); // a few bytes that say what they are
  }
}

async function findLocks(directory: string, parts: InspectStoreParts): Promise<readonly FoundLock[]> {
  const names = await readdir(directory).catch(() => []);
  const locks = names
    .filter((name) => name.endsWith('.lock'))
    .sort()
    .map((name) => describeLock(pathsOf(parts.facts.platform).join(directory, name), name, parts));
  return (await Promise.all(locks)).flat();
}

async function describeLock(path: string, name: string, parts: InspectStoreParts): Promise<FoundLock[]> {
  const title = lockTitle(name.slice(0, -'.lock'.length));
  try {
    const found = await readLock(path);
    if (found === undefined) return []; // let go in this moment
    const { holder } = found;
    if (holder === undefined) {
      return [{ path, title, holder: 'its content is none of ours', state: 'unreadable' }];
    }
    return [{ path, title, holder: nameOf(holder, parts), state: await stateOf(holder, parts) }];
  } catch (error) {
    return [{ path, title, holder: messageOf(error), state: 'unreadable' }];
  }
}

async function stateOf(holder: LockHolder, parts: InspectStoreParts): Promise<FoundLock['state']> {
  if (!isHere(holder, parts)) return 'elsewhere';
  return (await parts.processTable.isAlive(holder)) ? 'held' : 'dead';
}

function nameOf(holder: LockHolder, parts: InspectStoreParts): string {
  const where = isHere(holder, parts) ? '' : ` on "${holder.host}"`;
  return `process ${holder.pid}${where}, since ${holder.since}`;
}

function isHere(holder: LockHolder, { facts }: InspectStoreParts): boolean {
  return holder.host === facts.hostName && holder.hostId === (facts.hostId ?? '');
}
