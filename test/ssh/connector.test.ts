import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { SshTarget } from '../../src/core/driver.js';
import { GuestError, InterruptedError, TimedOutError } from '../../src/core/errors.js';
import type { SshConnectOptions, SshConnector, SshKeyPair, SshSession } from '../../src/core/ports.js';
import { createSshConnector, type SshWorld } from '../../src/ssh/connector.js';
import { HeldClock } from '../support/fake-clock.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { type Sshd, startSshd } from '../support/sshd.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { closedPort, type Listener, startRaw } from '../support/tls-faults.js';

const random = { bytes: (count: number) => randomBytes(count) };
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let clock: HeldClock;
let ssh: SshConnector;
const keys: Record<'ed25519' | 'rsa' | 'stranger', SshKeyPair> = {
  ed25519: { privateKey: '', publicKey: '' },
  rsa: { privateKey: '', publicKey: '' },
  stranger: { privateKey: '', publicKey: '' },
};
let sshd: Sshd;
const opened: (Sshd | Listener)[] = [];

beforeAll(async () => {
  folder = await temporaryDirectory('connector');
  const maker = connector();
  keys.ed25519 = await maker.generateKey('ed25519');
  keys.rsa = await maker.generateKey('rsa');
  keys.stranger = await maker.generateKey('ed25519');
  for (const [name, { privateKey }] of Object.entries(keys)) await save(name, privateKey);
  sshd = await startSshd({ authorizedKeys: [keys.ed25519.publicKey, keys.rsa.publicKey] });
});

beforeEach(() => {
  clock = new HeldClock();
  ssh = connector();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

afterAll(async () => {
  await sshd.close();
  await folder.remove();
});

function connector(facts: Partial<SshWorld['facts']> = {}, others: Partial<SshWorld> = {}): SshConnector {
  return createSshConnector({
    ...others,
    clock,
    random,
    facts: {
      platform: 'linux',
      homeDirectory: join(folder.path, 'nobody'),
      temporaryDirectory: folder.path,
      env: {},
      ...facts,
    },
    processes: new FakeProcesses(),
    terminal: () => {
      throw new Error('nobody asked for the terminal');
    },
  });
}

async function save(name: string, content: string, mode = 0o600): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

function target(key = 'ed25519', server: Pick<Sshd, 'target'> = sshd): SshTarget {
  return { ...server.target, keyPath: join(folder.path, key) };
}

function options(changes: Partial<SshConnectOptions> = {}): SshConnectOptions {
  return { signal: new AbortController().signal, timeoutMs: 60_000, hostKey: undefined, ...changes };
}

async function also(server: Promise<Sshd>): Promise<Sshd> {
  opened.push(await server);
  return server;
}

async function alsoRaw(onConnection: Parameters<typeof startRaw>[0]): Promise<SshTarget> {
  const listener = await startRaw(onConnection);
  opened.push(listener);
  return { host: '127.0.0.1', port: listener.port, user: 'docker', keyPath: join(folder.path, 'ed25519') };
}

describe('logging in', () => {
  test.each(['ed25519', 'rsa'] as const)('with an %s key works and tells the host key', async (type) => {
    const session = await ssh.connect(target(type), options());
    expect(session.hostKey).toBe(sshd.hostKeys[0]);
    expect(await session.run('echo in')).toEqual({ status: 0, stdout: 'in\n', stderr: '' });
    await session.close();
    expect(clock.sleeping).toBe(0);
  });

  test.each(['rsa', 'ecdsa'] as const)('into a guest that has only an %s host key works', async (type) => {
    const guest = await also(startSshd({ authorizedKeys: [keys.ed25519.publicKey], hostKeyTypes: [type] }));
    const session = await ssh.connect(target('ed25519', guest), options());
    expect(session.hostKey).toBe(guest.hostKeys[0]);
    await session.close();
    const again = await ssh.connect(target('ed25519', guest), options({ hostKey: session.hostKey }));
    await again.close();
  });

  test('into a guest that has a host key of ours works', async () => {
    const hostKey = await ssh.generateKey('ed25519');
    const guest = await also(
      startSshd({ authorizedKeys: [keys.ed25519.publicKey], hostKeys: [hostKey.privateKey] }),
    );
    const session = await ssh.connect(
      target('ed25519', guest),
      options({ hostKey: hostKey.publicKey.trim() }),
    );
    await session.close();
  });

  test('with a key that the guest does not know is refused, and says which key', async () => {
    await expect(ssh.connect(target('stranger'), options())).rejects.toMatchObject({
      constructor: GuestError,
      code: 'SSH_LOGIN_REFUSED',
      message: `SSH at 127.0.0.1:${sshd.port} refused the login of "${sshd.target.user}"`,
      reason: `the guest does not accept the key "${join(folder.path, 'stranger')}"`,
    });
  });

  test('many at once share one signal without a warning of Node', async () => {
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(warning.message);
    process.on('warning', hear);
    const shared = options();
    const sessions: SshSession[] = [];
    for (let count = 0; count < 12; count += 1) sessions.push(await ssh.connect(target(), shared));
    await Promise.all(sessions.map((session) => session.close()));
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  });
});

describe('P24: the host key', () => {
  test('of another guest is refused with both fingerprints, before a key of ours is offered', async () => {
    const other = await also(startSshd({ authorizedKeys: [keys.ed25519.publicKey] }));
    const connecting = ssh.connect(target('ed25519', other), options({ hostKey: sshd.hostKeys[0] }));
    await expect(connecting).rejects.toMatchObject({
      constructor: GuestError,
      code: 'SSH_HOST_KEY_CHANGED',
      message: `The SSH host key at 127.0.0.1:${other.port} is not the one of this machine`,
      reason: expect.stringMatching(
        /^the key known is ED25519 SHA256:\S{43}, the key shown is ED25519 SHA256:\S{43}: .* the login was not tried$/,
      ),
      nextSteps: [
        'if you did not replace the guest, find out who answers at that address before you go on',
        'if you did, take the new key and set the guest up again: tmachine provision --accept-new-host-key NAME',
      ],
    });
    expect(other.log()).not.toMatch(/publickey/);
  });

  test('that is pinned is shown although the guest has got keys of other types since', async () => {
    const guest = await also(
      startSshd({ authorizedKeys: [keys.ed25519.publicKey], hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] }),
    );
    for (const hostKey of guest.hostKeys) {
      const session = await ssh.connect(target('ed25519', guest), options({ hostKey }));
      expect(session.hostKey).toBe(hostKey);
      await session.close();
    }
  });

  test('of another type than the pinned one is a changed key, not a failure of algorithms', async () => {
    const guest = await also(startSshd({ authorizedKeys: [keys.ed25519.publicKey], hostKeyTypes: ['rsa'] }));
    await expect(
      ssh.connect(target('ed25519', guest), options({ hostKey: sshd.hostKeys[0] })),
    ).rejects.toMatchObject({ code: 'SSH_HOST_KEY_CHANGED' });
  });
});

describe('P23: the key file', () => {
  test('that is not there is not readable', async () => {
    const path = join(folder.path, 'none');
    await expect(ssh.connect(target('none'), options())).rejects.toMatchObject({
      code: 'SSH_KEY_UNREADABLE',
      verbatim: true,
      message: `'${path}' is not readable`,
    });
  });

  test('that others can read is too open, but not on Windows, where files have no modes', async () => {
    const path = await save('open', keys.ed25519.privateKey, 0o644);
    await expect(ssh.connect(target('open'), options())).rejects.toMatchObject({
      code: 'SSH_KEY_TOO_OPEN',
      verbatim: true,
      message: `permissions 0644 for '${path}' are too open`,
      nextSteps: [`chmod 600 '${path}'`],
    });
    const session = await connector({ platform: 'win32' }).connect(target('open'), options());
    await session.close();
  });

  test.each([
    ['garbage', () => 'garbage'],
    ['nothing', () => ''],
    ['a public key', () => keys.ed25519.publicKey],
  ])('that holds %s is not a private key', async (_what, content) => {
    await save('broken', content());
    await expect(ssh.connect(target('broken'), options())).rejects.toMatchObject({ code: 'SSH_KEY_BROKEN' });
  });

  test('with a passphrase needs an agent', async () => {
    await save('locked', keys.ed25519.privateKey);
    await sshKeygen(['-p', '-q', '-N', 'secret', '-f', join(folder.path, 'locked')]);
    await expect(ssh.connect(target('locked'), options())).rejects.toMatchObject({ code: 'SSH_KEY_LOCKED' });
    await withAgent(keys.ed25519, async (env) => {
      const session = await connector({ env }).connect(target('locked'), options());
      await session.close();
    });
  });
});

describe('without a key of the machine', () => {
  const noKey = () => sshd.target;

  test("the user's default keys are tried; unusable ones are passed over", async () => {
    const homeDirectory = join(folder.path, 'home');
    await mkdir(join(homeDirectory, '.ssh'), { recursive: true });
    await save('home/.ssh/id_ed25519', keys.ed25519.privateKey, 0o644);
    await save('home/.ssh/id_ecdsa', keys.stranger.privateKey);
    await save('home/.ssh/id_rsa', keys.rsa.privateKey);
    const session = await connector({ homeDirectory }).connect(noKey(), options());
    await session.close();
  });

  test("the user's agent is asked", async () => {
    await withAgent(keys.rsa, async (env) => {
      const session = await connector({ env }).connect(noKey(), options());
      await session.close();
    });
  });

  test('an agent that is gone does not stand in the way of the default keys', async () => {
    const homeDirectory = join(folder.path, 'home2');
    await mkdir(join(homeDirectory, '.ssh'), { recursive: true });
    await save('home2/.ssh/id_ed25519', keys.ed25519.privateKey);
    const env = { SSH_AUTH_SOCK: join(folder.path, 'no-agent') };
    const session = await connector({ homeDirectory, env }).connect(noKey(), options());
    await session.close();
  });

  test('no agent and no default key is said before anything is tried', async () => {
    await expect(ssh.connect(noKey(), options())).rejects.toMatchObject({ code: 'SSH_NO_KEY' });
  });
});

async function sshKeygen(args: readonly string[]): Promise<void> {
  const [code] = await once(spawn('ssh-keygen', args, { stdio: 'ignore' }), 'exit');
  expect(code).toBe(0);
}

/** Runs the work with a real ssh-agent that holds one key. */
async function withAgent(
  pair: SshKeyPair,
  work: (env: { SSH_AUTH_SOCK: string }) => Promise<void>,
): Promise<void> {
  const socket = join(folder.path, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await once(agent.stdout, 'data');
    const add = spawn('ssh-add', ['-q', '-'], {
      env: { ...process.env, SSH_AUTH_SOCK: socket },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    add.stdin.end(pair.privateKey);
    expect(await once(add, 'exit')).toEqual([0, null]);
    await work({ SSH_AUTH_SOCK: socket });
  } finally {
    const ended = once(agent, 'exit');
    agent.kill();
    await ended;
  }
}

describe('a guest that cannot be reached', () => {
  test('has nothing on its port: refused', async () => {
    const place = { ...target(), port: await closedPort() };
    await expect(ssh.connect(place, options())).rejects.toMatchObject({
      code: 'SSH_REFUSED',
      message: `Could not connect to SSH at 127.0.0.1:${place.port}`,
    });
  });

  test('has no route: said so', async () => {
    await expect(ssh.connect({ ...target(), host: '224.0.0.1' }, options())).rejects.toMatchObject({
      code: 'SSH_NO_ROUTE',
    });
  });

  test.each([
    ['hangs up', (socket: { end(): unknown }) => socket.end()],
    ['resets', (socket: { resetAndDestroy(): unknown }) => socket.resetAndDestroy()],
  ])('accepts and %s: as a forwarder does for a guest without sshd', async (_how, cut) => {
    const place = await alsoRaw((socket) => {
      socket.once('data', () => cut(socket));
    });
    await expect(ssh.connect(place, options())).rejects.toMatchObject({ code: 'SSH_HUNG_UP' });
  });

  test('is another program: no SSH connection can be agreed on', async () => {
    const place = await alsoRaw((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(ssh.connect(place, options())).rejects.toMatchObject({ code: 'SSH_HANDSHAKE_FAILED' });
  });

  test('speaks SSH but shares no algorithm: said so', async () => {
    const guest = await also(
      startSshd({
        authorizedKeys: [keys.ed25519.publicKey],
        settings: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'],
      }),
    );
    await expect(ssh.connect(target('ed25519', guest), options())).rejects.toMatchObject({
      code: 'SSH_HANDSHAKE_FAILED',
      reason: expect.stringContaining('no matching key exchange algorithm'),
    });
  });

  test('falls silent after the login, as a host that sleeps does: noticed by three signs of life without an answer', async () => {
    const ends: Socket[] = [];
    const relay = await alsoRaw((socket) => {
      const onward = connect(sshd.port, '127.0.0.1');
      ends.push(
        socket.on('error', () => undefined),
        onward.on('error', () => undefined),
      );
      socket.pipe(onward).pipe(socket);
    });
    const lively = connector({}, { keepaliveMs: 50 });
    const session = await lively.connect({ ...relay, user: sshd.target.user }, options());
    expect((await session.run('echo here')).stdout).toBe('here\n');
    for (const end of ends) end.unpipe().pause();
    await expect(session.run('echo still here')).rejects.toMatchObject({ code: 'SSH_CONNECTION_LOST' });
    for (const end of ends) end.destroy();
  });

  test('says nothing: ends when time is up', async () => {
    let arrived = () => undefined as unknown;
    const connected = new Promise((resolve) => {
      arrived = () => resolve(undefined);
    });
    const place = await alsoRaw((socket) => socket.once('data', arrived));
    const connecting = ssh.connect(place, options({ timeoutMs: 5_000 }));
    const refused = expect(connecting).rejects.toMatchObject({ code: 'SSH_TIMED_OUT' });
    await connected;
    await clock.advance(5_000);
    await refused;
  });

  test('is waited for until an interruption', async () => {
    const interrupt = new AbortController();
    const place = await alsoRaw((socket) => {
      socket.once('data', () => interrupt.abort(new InterruptedError()));
    });
    await expect(ssh.connect(place, options({ signal: interrupt.signal }))).rejects.toThrow(InterruptedError);
    expect(clock.sleeping).toBe(0);
  });
});

describe('the banner', () => {
  const limits = () => ({ timeoutMs: 1_000, signal: new AbortController().signal });

  test('of sshd is its version line', async () => {
    expect(await ssh.banner('127.0.0.1', sshd.port, limits())).toMatch(/^SSH-2\.0-OpenSSH_\S+/);
    expect(clock.sleeping).toBe(0);
  });

  test('may come in pieces and after other lines', async () => {
    const place = await alsoRaw((socket) => {
      socket.write('Welcome\r\nSSH', () => setImmediate(() => socket.write('-2.0-slow\r\n')));
    });
    expect(await ssh.banner('127.0.0.1', place.port, limits())).toBe('SSH-2.0-slow');
  });

  test.each([
    ['nothing listens', undefined],
    ['a forwarder hangs up', (socket: { end(): unknown }) => socket.end()],
    ['a forwarder resets', (socket: { resetAndDestroy(): unknown }) => socket.resetAndDestroy()],
    ['another program answers', (socket: { end(text: string): unknown }) => socket.end('220 smtp\r\n')],
    [
      'another program talks on and on',
      (socket: { write(text: string): unknown }) => socket.write('x'.repeat(20_000)),
    ],
  ])('is missing when %s', async (_what, behave) => {
    const place = behave === undefined ? { port: await closedPort() } : await alsoRaw(behave);
    expect(await ssh.banner('127.0.0.1', place.port, limits())).toBeUndefined();
  });

  test('is missing when nothing is said in time', async () => {
    let arrived = () => undefined as unknown;
    const connected = new Promise((resolve) => {
      arrived = () => resolve(undefined);
    });
    const place = await alsoRaw(arrived);
    const banner = ssh.banner('127.0.0.1', place.port, limits());
    await connected;
    await clock.advance(1_000);
    expect(await banner).toBeUndefined();
  });

  test('is not waited for after an interruption', async () => {
    const interrupt = new AbortController();
    const place = await alsoRaw(() => interrupt.abort(new InterruptedError()));
    await expect(
      ssh.banner('127.0.0.1', place.port, { ...limits(), signal: interrupt.signal }),
    ).rejects.toThrow(InterruptedError);
  });
});

describe('a command in the guest', () => {
  let shared: SshSession;

  beforeAll(async () => {
    shared = await connector().connect(target(), options());
  });

  afterAll(() => shared.close());

  test.each([0, 1, 42, 255])('passes its exit code %i', async (status) => {
    expect(await shared.run('exit "$1"', [String(status)])).toMatchObject({ status });
  });

  test.each([
    ['TERM', 143],
    ['KILL', 137],
    ['HUP', 129],
  ])('that ends by signal %s has the status a shell would give', async (signal, status) => {
    const result = await shared.run('kill -"$1" $$', [signal]);
    expect(result.status).toBe(status);
  });

  test('gets its arguments as they are', async () => {
    const words = [
      '',
      'two words',
      "it's",
      '"$HOME" `id` $(id)',
      'line\nline\n',
      'grün 日本 🐳',
      '*',
      '-n',
      '\\',
    ];
    const { stdout } = await shared.run('for word; do printf "[%s]\\n" "$word"; done; echo $#', words);
    expect(stdout).toBe(`${words.map((word) => `[${word}]\n`).join('')}${words.length}\n`);
  });

  test('is a POSIX script of several lines, with both streams kept apart', async () => {
    const script = 'a=\'x y\'\nif true; then\n  echo "$a"\n  echo "it\'s bad" >&2\nfi\nfalse';
    expect(await shared.run(script)).toEqual({
      status: 1,
      stdout: 'x y\n',
      stderr: "it's bad\n",
    });
  });

  test('gets no input unless there is one', async () => {
    expect((await shared.run('wc -c')).stdout.trim()).toBe('0');
  });

  test('gets binary input of any size on its standard input', async () => {
    const input = randomBytes(5_000_000);
    const { stdout } = await shared.run('sha256sum | cut -c1-64', [], { input });
    const { createHash } = await import('node:crypto');
    expect(stdout.trim()).toBe(createHash('sha256').update(input).digest('hex'));
  });

  test('that does not read its input ends all the same', async () => {
    const input = 'x'.repeat(10_000_000);
    expect(await shared.run('exit 3', [], { input })).toMatchObject({ status: 3 });
  });

  test('may say much', async () => {
    const { stdout, stderr } = await shared.run(
      'head -c 8000000 /dev/zero | tr "\\0" x; head -c 3000000 /dev/zero | tr "\\0" y >&2',
    );
    expect(stdout.length).toBe(8_000_000);
    expect(stderr.length).toBe(3_000_000);
  });

  test('may not say more than 16 MiB', async () => {
    await expect(shared.run('cat /dev/zero')).rejects.toMatchObject({
      code: 'GUEST_OUTPUT_TOO_LONG',
    });
  });

  test('whose letters are cut by the network arrives whole', async () => {
    const { stdout } = await shared.run('i=0; while [ $i -lt 20000 ]; do printf "日本"; i=$((i+1)); done');
    expect(stdout).toBe('日本'.repeat(20_000));
  });

  test('runs beside others on the same connection', async () => {
    const numbers = ['1', '2', '3', '4', '5'];
    const results = await Promise.all(numbers.map((number) => shared.run('echo "$1"', [number])));
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(numbers);
  });

  test('may be so quick that its end comes with its beginning', async () => {
    for (let count = 0; count < 100; count += 1) {
      expect(await shared.run('exit 3')).toEqual({ status: 3, stdout: '', stderr: '' });
    }
  });

  test('that does not end in time is given up, with the last it said; the connection stays', async () => {
    const session = await ssh.connect(target(), options());
    const pipe = join(folder.path, 'said');
    await session.run('mkfifo "$1"', [pipe]);
    const script = 'echo step 1; echo step 2; echo now > "$1"; exec sleep 20';
    const hanging = session.run(script, [pipe], { timeoutMs: 7_000 });
    const gaveUp = expect(hanging).rejects.toMatchObject({
      constructor: TimedOutError,
      message: 'A command in the guest did not end within 7 s',
      lastSeen: 'step 2',
    });
    await session.run('cat "$1"', [pipe]); // ends when the other has said all
    await clock.advance(7_000);
    await gaveUp;
    expect(await session.run('echo still here')).toMatchObject({ stdout: 'still here\n' });
    await session.close();
  });

  test('ends at once with an interruption', async () => {
    const interrupt = new AbortController();
    const session = await ssh.connect(target(), options({ signal: interrupt.signal }));
    const hanging = session.run('sleep 20');
    await session.run('true');
    interrupt.abort(new InterruptedError('Ctrl-C'));
    await expect(hanging).rejects.toThrow('Ctrl-C');
    await expect(session.run('true')).rejects.toThrow('Ctrl-C');
    await session.close();
  });

  test('is not started after an interruption', async () => {
    await expect(
      ssh.connect(target(), options({ signal: AbortSignal.abort(new InterruptedError()) })),
    ).rejects.toThrow(InterruptedError);
  });

  test('that loses its connection is a GuestError that says so', async () => {
    const guest = await startSshd({ authorizedKeys: [keys.ed25519.publicKey] });
    const session = await ssh.connect(target('ed25519', guest), options());
    const hanging = session.run('sleep 20');
    const lost = expect(hanging).rejects.toMatchObject({
      constructor: GuestError,
      code: 'SSH_CONNECTION_LOST',
      message: `The SSH connection to 127.0.0.1:${guest.port} was lost`,
    });
    await session.run('true');
    await guest.close();
    await lost;
    await expect(session.run('true')).rejects.toMatchObject({ code: 'SSH_CONNECTION_LOST' });
  });

  test('that sshd does not start is a GuestError that says so', async () => {
    const guest = await also(
      startSshd({ authorizedKeys: [keys.ed25519.publicKey], settings: ['MaxSessions 0'] }),
    );
    const session = await ssh.connect(target('ed25519', guest), options());
    await expect(session.run('true')).rejects.toMatchObject({ code: 'SSH_COMMAND_REFUSED' });
    await session.close();
  });
});

test('closing twice, or a connection that is gone, is nothing', async () => {
  const guest = await startSshd({ authorizedKeys: [keys.ed25519.publicKey] });
  const session = await ssh.connect(target('ed25519', guest), options());
  await guest.close();
  await session.close();
  await session.close();
  expect(clock.sleeping).toBe(0);
});
