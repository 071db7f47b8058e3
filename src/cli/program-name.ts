import { posix, win32 } from 'node:path';

const NAMES = ['tmachine', 'docker-machine'] as const;

/**
 * The name to show in messages that tell the user what to type: the one the program was called by.
 *
 * `argv0` is what the caller gave as the program (`process.argv0`): our own name only in a stand-alone binary.
 * `script` is `process.argv[1]`, which keeps the name of a symbolic link (`docker-machine` -> run.cjs).
 * On Windows the path is kept as it was typed, as docker-machine does: it may not be on PATH, and its folder
 * may contain spaces. Elsewhere, and whenever the script has another name (`node bin/run.cjs`, npm's .cmd
 * shims), the answer is one of the two names.
 */
export function programName(
  argv0: string,
  script: string | undefined,
  platform: NodeJS.Platform | string,
): string {
  const windows = platform === 'win32';
  for (const candidate of [argv0, script]) {
    if (candidate === undefined) continue;
    const name = knownName(candidate, windows);
    if (name !== undefined) return windows ? candidate : name;
  }
  return NAMES[0];
}

function knownName(path: string, windows: boolean): (typeof NAMES)[number] | undefined {
  const base = windows
    ? win32
        .basename(path)
        .toLowerCase()
        .replace(/\.(exe|cmd|cjs)$/, '')
    : posix.basename(path);
  return NAMES.find((name) => name === base);
}
