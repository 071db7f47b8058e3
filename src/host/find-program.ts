import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import type { HostFacts } from '../core/ports.js';

type Place = Pick<HostFacts, 'platform' | 'env'>;

/** What Windows itself assumes when PATHEXT is not set. */
const DEFAULT_PATHEXT = '.COM;.EXE;.BAT;.CMD';

/**
 * The absolute path of a program, or undefined. A name is looked up in the absolute directories of PATH only; a path must be absolute:
 * nothing is ever taken from the current directory, where a downloaded file could pass itself off as a tool.
 */
export async function findProgram(program: string, place: Place): Promise<string | undefined> {
  for (const candidate of candidates(program, place)) {
    if (await isProgram(candidate, place.platform)) return candidate;
  }
  return undefined;
}

/** Every file that `program` could be, in the order of preference. */
export function candidates(program: string, { platform, env }: Place): string[] {
  const path = platform === 'win32' ? win32 : posix;
  if (program === '' || program.includes('\0')) return [];
  const endings = platform === 'win32' ? windowsEndings(program, env.PATHEXT) : [''];
  const named = program.includes('/') || (platform === 'win32' && /[\\:]/.test(program));
  if (named) return path.isAbsolute(program) ? endings.map((ending) => program + ending) : [];
  return (env.PATH ?? '')
    .split(path.delimiter)
    .map((directory) => (platform === 'win32' ? directory.replaceAll('"', '') : directory))
    .filter((directory) => path.isAbsolute(directory))
    .flatMap((directory) => endings.map((ending) => path.join(directory, program + ending)));
}

/** The name as it is when it already ends in one of PATHEXT, else with each of these. */
function windowsEndings(program: string, pathExt: string | undefined): string[] {
  const known = (pathExt || DEFAULT_PATHEXT).split(';').filter((ending) => ending.startsWith('.'));
  return known.some((ending) => program.toLowerCase().endsWith(ending.toLowerCase())) ? [''] : known;
}

async function isProgram(file: string, platform: HostFacts['platform']): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    // Windows has no permission to execute: the ending decides.
    if (platform !== 'win32') await access(file, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run: the next directory may have it
  }
}
