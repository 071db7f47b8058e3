import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SshTarget } from '../../src/core/driver.js';
import type { ProcessRunner } from '../../src/core/ports.js';
import { createSshConnector } from '../../src/ssh/connector.js';
import { externalArguments } from '../../src/ssh/external.js';
import { generateSshKey } from '../../src/ssh/keys.js';
import { HeldClock } from '../support/fake-clock.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { type Sshd, startSshd } from '../support/sshd.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const random = { bytes: (count: number) => randomBytes(count) };
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let sshd: Sshd;

beforeAll(async () => {
  folder = await temporaryDirectory('external %h ssh');
  await mkdir(join(folder.path, 'temp'));
  const keys = [await generateSshKey('ed25519', random), await generateSshKey('rsa', random)];
  for (const [index, key] of keys.entries()) {
    await writeFile(join(folder.path, `key ${index}`), key.privateKey);
    await chmod(join(folder.path, `key ${index}`), 0o600);
  }
  sshd = await startSshd({
    authorizedKeys: keys.map(({ publicKey }) => publicKey),
    hostKeyTypes: ['ed25519', 'rsa'],
  });
});

afterAll(async () => {
  await sshd.close();
  await folder.remove();
});

/** The real ssh program, with pipes in the place of the terminal. */
class OpenSsh extends FakeProcesses implements ProcessRunner {
  output = '';

  override async find(): Promise<string> {
    return '/usr/bin/ssh';
  }

  override async attach(file: string, args: readonly string[]): Promise<number> {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        this.output += String(chunk);
      });
    }
    const [code] = await once(child, 'close');
    return Number(code);
  }
}

function session(
  processes: ProcessRunner,
  args: readonly string[],
  hostKey: string | undefined,
  key = 'key 0',
) {
  const connector = createSshConnector({
    clock: new HeldClock(),
    random,
    facts: {
      platform: 'linux',
      homeDirectory: folder.path,
      temporaryDirectory: join(folder.path, 'temp'),
      env: {},
    },
    processes,
    terminal: () => {
      throw new Error('the streams are the other program’s business');
    },
  });
  const target: SshTarget = { ...sshd.target, keyPath: join(folder.path, key) };
  return connector.session(target, args, {
    signal: new AbortController().signal,
    timeoutMs: 30_000,
    hostKey,
  });
}

describe('options of OpenSSH after the name', () => {
  test.each(['key 0', 'key 1'])(
    'run in its own client, which reads our keys (%s), with its exit code',
    async (key) => {
      const openSsh = new OpenSsh();
      expect(await session(openSsh, ['-v', 'echo "in: $((40 + 2))"; exit 17'], sshd.hostKeys[0], key)).toBe(
        17,
      );
      expect(openSsh.output).toContain('in: 42\n');
    },
  );

  test('-tt gives the command a terminal', async () => {
    const openSsh = new OpenSsh();
    expect(await session(openSsh, ['-tt', 'tty'], sshd.hostKeys[0])).toBe(0);
    expect(openSsh.output).toMatch(/^\/dev\/pts\/\d+\r\n/);
  });

  test.each([0, 1])('P24: the pinned host key (%i) is accepted, whatever its type', async (index) => {
    expect(await session(new OpenSsh(), ['-T', 'true'], sshd.hostKeys[index])).toBe(0);
  });

  test('P24: another host key than the pinned one is refused, and OpenSSH says why', async () => {
    const other = await generateSshKey('ed25519', random);
    const openSsh = new OpenSsh();
    expect(await session(openSsh, ['-T', 'echo in'], other.publicKey.trim())).toBe(255);
    expect(openSsh.output).toContain('REMOTE HOST IDENTIFICATION HAS CHANGED');
    expect(openSsh.output).not.toContain('in\n');
  });

  test('without a pin the first key is taken', async () => {
    expect(await session(new OpenSsh(), ['-T', 'true'], undefined)).toBe(0);
  });

  test('leave no file behind', async () => {
    await session(new OpenSsh(), ['-T', 'true'], sshd.hostKeys[0]);
    expect(await readdir(join(folder.path, 'temp'))).toEqual([]);
  });

  test("are docker-machine's, then the host, the key, the port and the caller's words", () => {
    const target = { host: '127.0.0.1', port: 2222, user: 'docker', keyPath: '/store/machines/dev/id_rsa' };
    const place = { knownHosts: '/tmp/50%/known_hosts', pinned: true, platform: 'linux' as const };
    expect(externalArguments(target, ['-L', '8080:localhost:80', '-N'], place)).toEqual([
      '-F',
      '/dev/null',
      '-o',
      'ConnectionAttempts=3',
      '-o',
      'ConnectTimeout=10',
      '-o',
      'ControlMaster=no',
      '-o',
      'ControlPath=none',
      '-o',
      'LogLevel=error',
      '-o',
      'PasswordAuthentication=no',
      '-o',
      'ServerAliveInterval=60',
      '-o',
      'StrictHostKeyChecking=yes',
      '-o',
      'UserKnownHostsFile="/tmp/50%%/known_hosts"',
      '-o',
      'GlobalKnownHostsFile=none',
      '-o',
      'HostKeyAlias=tmachine',
      '-o',
      'CheckHostIP=no',
      'docker@127.0.0.1',
      '-o',
      'IdentitiesOnly=yes',
      '-i',
      '/store/machines/dev/id_rsa',
      '-p',
      '2222',
      '-L',
      '8080:localhost:80',
      '-N',
    ]);
  });

  test('on Windows name no /dev/null, and the file with slashes; without a key there is none', () => {
    const target = { host: 'example.com', port: 22, user: 'root' };
    const place = { knownHosts: 'C:\\Users\\J D\\known_hosts', pinned: false, platform: 'win32' as const };
    const args = externalArguments(target, ['-t'], place);
    expect(args.slice(0, 2)).toEqual(['-F', 'none']);
    expect(args).toContain('UserKnownHostsFile="C:/Users/J D/known_hosts"');
    expect(args).toContain('StrictHostKeyChecking=accept-new');
    expect(args.slice(-4)).toEqual(['root@example.com', '-p', '22', '-t']);
  });

  test('need the program: without it the error says what still works', async () => {
    const none = new FakeProcesses([], { programs: {} });
    await expect(session(none, ['-L', '1:localhost:1'], sshd.hostKeys[0])).rejects.toMatchObject({
      code: 'SSH_PROGRAM_MISSING',
      message: 'There is no ssh program on this computer',
      reason: 'an option such as "-L" is for OpenSSH\'s own client; commands and logins do not need it',
    });
  });

  test('P23: a key that others can read is refused with our own words', async () => {
    await writeFile(join(folder.path, 'open'), 'x');
    await chmod(join(folder.path, 'open'), 0o644);
    await expect(session(new OpenSsh(), ['-T', 'true'], sshd.hostKeys[0], 'open')).rejects.toMatchObject({
      code: 'SSH_KEY_TOO_OPEN',
    });
  });
});
