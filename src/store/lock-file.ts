import { createHash } from 'node:crypto';
import { link, open, readFile, rename, stat } from 'node:fs/promises';
import { isJsonObject, type JsonValue } from '../core/json.js';
import type { ProcessIdentity } from '../core/ports.js';
import { systemErrorCode } from '../core/system-error.js';

/** Who holds a lock. */
export interface LockHolder extends ProcessIdentity {
  readonly host: string;
  /** `HostFacts.hostId`; empty when it could not be told. */
  readonly hostId: string;
  /** For people: ISO 8601. Nothing is decided by it, so clocks may jump. */
  readonly since: string;
  /** Different for every time that any lock is taken. */
  readonly token: string;
}

/** What a lock file holds: its holder, or undefined for a text that no holder wrote; `token` tells it from every other content. */
export interface LockContent {
  readonly holder: LockHolder | undefined;
  readonly token: string;
}

export function printHolder(holder: LockHolder): string {
  return `${JSON.stringify(holder, null, 2)}\n`;
}

/** The content of a lock file, or undefined when there is none. Other failures of the file system are thrown as they are. */
export async function readLock(path: string): Promise<LockContent | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const holder = parseHolder(text);
    return { holder, token: holder?.token ?? (await tokenOfGarbage(path)) };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Puts `temporary`, which is written and closed, into place as `path`, unless something is there: then false. A hard link is atomic also
 * on network file systems. Undefined: this file system has no hard links.
 */
export async function linkInto(temporary: string, path: string): Promise<boolean | undefined> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') return false;
    // FAT and exFAT, many FUSE file systems, network drives of Windows.
    if (
      ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'EISDIR', 'EMLINK', 'EXDEV'].includes(code ?? '')
    ) {
      return undefined;
    }
    throw error;
  }
}

/** As `linkInto` without hard links: for a moment the file may be seen half-written. */
export async function createExclusively(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Writes `content` into the space that `spare` has on the disk, under the name `path`; false when that cannot be done. */
export async function reuse(spare: string, path: string, content: string): Promise<boolean> {
  try {
    await rename(spare, path);
    const file = await open(path, 'r+');
    try {
      const { size } = await file.stat();
      await file.writeFile(content.padEnd(size, ' ')); // JSON may end with white space; cutting first would give the space away
    } finally {
      await file.close();
    }
    return true;
  } catch {
    return false; // there is no spare, or not even that goes: the caller knows why it asked
  }
}

function parseHolder(text: string): LockHolder | undefined {
  let found: JsonValue;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(found)) return undefined;
  const { pid, startedAt, host, hostId, since, token } = found;
  if (typeof pid !== 'number' || typeof startedAt !== 'string' || typeof host !== 'string') return undefined;
  if (typeof hostId !== 'string' || typeof since !== 'string' || typeof token !== 'string') return undefined;
  // The token becomes part of a file name.
  return /^[0-9a-f]{16,64}$/.test(token) ? { pid, startedAt, host, hostId, since, token } : undefined;
}

/** The file itself stands for its content: an empty file that comes later is another one. */
async function tokenOfGarbage(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return createHash('sha256').update(`${ino} ${size} ${mtimeNs}`).digest('hex').slice(0, 32);
}
