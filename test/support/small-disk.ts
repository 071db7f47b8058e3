import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of the test's own, held in memory, that can be filled and made read-only. */
export interface SmallDisk {
  readonly path: string;
  /** Writes until nothing more fits. */
  fill(): Promise<void>;
  makeReadOnly(): Promise<void>;
  remove(): Promise<void>;
}

/** Why a small disk cannot be made here; undefined when it can. */
export function noSmallDisk(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root to mount a file system';
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'this container may not mount file systems';
  }
}

/** Of `kiB` kibibytes. Only where `noSmallDisk()` is undefined. */
export async function smallDisk(kiB: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'tmachine-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${kiB}k,mode=0700`, 'tmachine-test', path]);
  return {
    path,
    fill: async () => {
      for (const size of [65_536, 4096, 1]) {
        for (let count = 0; ; count++) {
          const full = await writeFile(join(path, `filler-${size}-${count}`), Buffer.alloc(size)).then(
            () => false,
            () => true,
          );
          if (full) break;
        }
      }
    },
    makeReadOnly: async () => {
      await run('mount', ['-o', 'remount,ro', path]);
    },
    remove: async () => {
      await run('umount', ['-l', path]);
      await rm(path, { recursive: true });
    },
  };
}
