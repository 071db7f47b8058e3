import { readdir, stat } from 'node:fs/promises';
import type { Finding } from '../../core/driver.js';
import { UsageError } from '../../core/errors.js';
import type { HostFacts } from '../../core/ports.js';
import type { VirtualBoxSettings } from './settings.js';

/** A directory of this computer that the guest sees. */
export interface SharedFolder {
  /** What the guest mounts it by; it appears there as `/NAME`. */
  readonly name: string;
  readonly hostPath: string;
}

const WINDOWS_PATH = /^([A-Za-z]):[\\/][^:]*$/;

/**
 * Reads `dir:name`, split at the last colon; without a name the directory's path is the name (contract: create-flow.md section 4). A bare Windows
 * path, whose only colon is the drive's, gets the name that the default share has: `C:\Data` is `c/Data`. Throws UsageError.
 */
export function parseShareFolder(text: string): SharedFolder {
  const bare = WINDOWS_PATH.exec(text);
  const colon = bare === null ? text.lastIndexOf(':') : -1;
  const hostPath = colon < 0 ? text : text.slice(0, colon);
  const given = colon < 0 ? '' : text.slice(colon + 1);
  const name = given || nameOfPath(hostPath);
  const problem = problemOf(hostPath, name);
  if (problem === undefined) return { name, hostPath };
  throw new UsageError({
    message: `--virtualbox-share-folder cannot be ${JSON.stringify(text)}`,
    reason: problem,
    nextSteps: ['for example: --virtualbox-share-folder /srv/work:work'],
  });
}

function nameOfPath(hostPath: string): string {
  const drive = WINDOWS_PATH.exec(hostPath)?.[1];
  const path = hostPath.replaceAll('\\', '/').replace(/\/+$/, '');
  return drive === undefined ? path.replace(/^\/+/, '') : `${drive.toLowerCase()}${path.slice(2)}`;
}

function problemOf(hostPath: string, name: string): string | undefined {
  if (hostPath === '') return 'it names no directory';
  if (name === '') return 'the root directory needs a name: /:root';
  if (/[\p{Cc}"'`$\\:*?<>|]/u.test(name)) return `"${name}" cannot name a folder in the guest`;
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return `"${name}" is no path in the guest`;
  }
  return undefined;
}

/** The share that a machine has when none is named (contract: create-flow.md section 4). */
export function defaultShare(platform: HostFacts['platform']): SharedFolder {
  switch (platform) {
    case 'linux':
      return { name: 'hosthome', hostPath: '/home' };
    case 'darwin':
      return { name: 'Users', hostPath: '/Users' };
    case 'win32':
      return { name: 'c/Users', hostPath: '\\\\?\\c:\\Users' };
  }
}

/** All folders that the machine is to have: those named, else the default one where it exists, else none. */
export async function sharesOf(
  settings: Pick<VirtualBoxSettings, 'noShare' | 'shareFolders'>,
  platform: HostFacts['platform'],
): Promise<readonly SharedFolder[]> {
  if (settings.noShare) return [];
  if (settings.shareFolders.length > 0) return settings.shareFolders.map(parseShareFolder);
  const share = defaultShare(platform);
  return (await isDirectory(share.hostPath)) ? [share] : [];
}

/** What a directory has in it: the name of one thing, by which it can be told in the guest; empty when it has none, or cannot be read. */
export async function sampleOf(path: string): Promise<string> {
  const names = await readdir(path).catch(() => []); // not ours to read: the guest cannot read it either
  return names.find((name) => !/[\p{Cc}\\]/u.test(name)) ?? '';
}

/** A folder that was named and is not there (P31). */
export async function checkShares(
  settings: Pick<VirtualBoxSettings, 'noShare' | 'shareFolders'>,
): Promise<Finding[]> {
  if (settings.noShare) return [];
  const findings: Finding[] = [];
  for (const { hostPath } of settings.shareFolders.map(parseShareFolder)) {
    if (await isDirectory(hostPath)) continue;
    findings.push({
      severity: 'refuse',
      code: 'VBOX_SHARE_MISSING',
      message: `The shared folder ${JSON.stringify(hostPath)} does not exist`,
      reason: 'it was named with --virtualbox-share-folder, and is no directory of this computer',
      nextSteps: ['make the directory, or name another one'],
    });
  }
  return findings;
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
