import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const ROOTFS = join(import.meta.dirname, '../../../guest/rootfs');
/** Debian's busybox-static: the shell that runs these scripts in the guest. */
export const HAS_BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].some((path) => existsSync(path));

export type Ended = { readonly status: number; readonly stdout: string; readonly stderr: string };

/** A directory that is the root of a guest to its scripts: a copy of guest/rootfs, with /dev/zero. */
export type GuestRoot = {
  readonly path: string;
  /** An absolute path of the guest, on the host. */
  at(path: string): string;
  /** Writes a file of the guest, with the directories above it. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  /** Writes a program of the guest. */
  program(path: string, body: string): Promise<void>;
  read(path: string): Promise<string>;
  /** Runs a text by the guest's shell; `scripts` of /usr/lib/tmachine are sourced before it. */
  shell(scripts: readonly string[], text: string, env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Runs a program of the guest. */
  run(path: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  remove(): Promise<void>;
};

/** A new guest root; remove it when done. */
export async function guestRoot(): Promise<GuestRoot> {
  const directory = await temporaryDirectory('guest-root');
  const root = directory.path;
  const at = (path: string) => join(root, path);
  await cp(ROOTFS, root, { recursive: true, verbatimSymlinks: true });
  for (const path of ['dev', 'run/tmachine', 'var/lib/boot2docker', 'var/run', 'proc']) {
    await mkdir(at(path), { recursive: true });
  }
  await symlink('/dev/zero', at('dev/zero'));
  const environment = { TMACHINE_ROOT: root, TMACHINE_SERIAL: at('serial') };

  async function write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), content, { mode });
  }
  return {
    path: root,
    at,
    write: (path, content) => write(path, content),
    program: (path, body) => write(path, `#!/bin/sh\n${body}\n`, 0o755),
    read: (path) => readFile(at(path), 'utf8'),
    shell: (scripts, text, env = {}) => {
      const sourced = scripts.map((name) => `. ${root}/usr/lib/tmachine/${name}`);
      return ended('busybox', ['sh', '-c', [...sourced, text].join('\n')], { ...environment, ...env });
    },
    run: (path, args, env = {}) => ended('busybox', ['sh', at(path), ...args], { ...environment, ...env }),
    remove: directory.remove,
  };
}

function ended(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // A clean environment, as in the guest: nothing of the host's reaches the scripts but PATH.
    const options = { env: { PATH: process.env['PATH'], ...env }, timeout: 15_000 };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(error);
        return;
      }
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
