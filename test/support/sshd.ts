import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SshTarget } from '../../src/core/driver.js';
import { spawnServer } from './child-server.js';

const run = promisify(execFile);
const PROGRAM = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((file) => existsSync(file));

export interface SshdOptions {
  /** Public lines that may log in. */
  readonly authorizedKeys: readonly string[];
  /** Types of host key to make, as ssh-keygen names them. Default: ed25519. */
  readonly hostKeyTypes?: readonly ('ed25519' | 'rsa' | 'ecdsa')[];
  /** Private host keys to use instead. */
  readonly hostKeys?: readonly string[];
  /** The port of an earlier one. Default: a free one. */
  readonly port?: number;
  /** More lines of sshd_config. */
  readonly settings?: readonly string[];
}

export interface Sshd {
  readonly port: number;
  /** How the current user logs in, without a key. */
  readonly target: SshTarget;
  /** The host keys' public lines: `type base64`. */
  readonly hostKeys: readonly string[];
  /** What it has logged so far. */
  log(): string;
  /** Ends it with all its connections and what runs in them. */
  close(): Promise<void>;
}

/**
 * Debian's own sshd (package openssh-server) on loopback as the current user, with a configuration and host keys of its own in a
 * directory that goes away with it.
 */
export async function startSshd(options: SshdOptions): Promise<Sshd> {
  if (PROGRAM === undefined) throw new Error('no sshd: install the package openssh-server');
  const folder = await mkdtemp(join(tmpdir(), 'tmachine-sshd-'));
  const hostKeyFiles = await makeHostKeys(folder, options);
  const port = options.port ?? (await freePort());
  await writeFile(
    join(folder, 'authorized_keys'),
    options.authorizedKeys.map((line) => `${line.trim()}\n`).join(''),
  );
  const lines = [
    ...hostKeyFiles.map((file) => `HostKey ${file}`),
    `ListenAddress 127.0.0.1:${port}`,
    `PidFile ${join(folder, 'sshd.pid')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'LogLevel VERBOSE',
    // Not the developer's own start-up files: they may be slow, or say something.
    `SetEnv HOME=${folder}`,
    ...(options.settings ?? []),
  ];
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const config = join(folder, 'sshd_config');
  // From OpenSSH 9.8 on an address from which many logins fail is shut out for a while: here that is every test.
  await writeFile(config, `${[...lines, 'PerSourcePenalties no'].join('\n')}\n`);
  const knowsPenalties = run(PROGRAM, ['-t', '-f', config]);
  await knowsPenalties.catch(() => writeFile(config, `${lines.join('\n')}\n`));
  const child = spawnServer(PROGRAM, ['-D', '-e', '-f', config], { reads: 'stderr' });
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += String(chunk);
  });
  await listening(child, () => log);
  const hostKeys = await Promise.all(hostKeyFiles.map(publicLine));
  return {
    port,
    target: { host: '127.0.0.1', port, user: userInfo().username },
    hostKeys,
    log: () => log,
    close: async () => {
      await endFamily(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeHostKeys(folder: string, options: SshdOptions): Promise<string[]> {
  const files: string[] = [];
  for (const type of options.hostKeys === undefined ? (options.hostKeyTypes ?? ['ed25519']) : []) {
    const file = join(folder, `host_${type}`);
    await run('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
    files.push(file);
  }
  for (const [index, key] of (options.hostKeys ?? []).entries()) {
    const file = join(folder, `host_given_${index}`);
    await writeFile(file, key, { mode: 0o600 });
    files.push(file);
  }
  return files;
}

/** `type base64` of a private key file, by OpenSSH. */
export async function publicLine(file: string): Promise<string> {
  const { stdout } = await run('ssh-keygen', ['-y', '-f', file]);
  return stdout.trim().split(' ').slice(0, 2).join(' ');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function listening(child: ChildProcess, log: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', () => {
      if (log().includes('Server listening on')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`sshd ended with ${code}: ${log()}`)));
  });
}

/** sshd gives each connection a session of its own, so its children have to be looked up. */
async function endFamily(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const exited = once(child, 'exit');
  const { stdout } = await run('ps', ['-e', '-o', 'pid=,ppid=']);
  const family = new Set([child.pid]);
  // A child has been started after its parent, but numbers may wrap: look until nobody is added.
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const line of stdout.trim().split('\n')) {
      const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
      if (family.has(parent)) family.add(pid);
    }
  }
  for (const pid of family) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
  await exited;
}
