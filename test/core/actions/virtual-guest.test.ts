import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { connectGuest, learnAddress } from '../../../src/core/actions/guest.js';
import { mountSharedFolders } from '../../../src/core/actions/shared-folders.js';
import type { DriverMachine, FolderInGuest, SshTarget } from '../../../src/core/driver.js';
import type { MachineRecord } from '../../../src/core/machine.js';
import type { GuestResult, GuestShell, SshConnectOptions } from '../../../src/core/ports.js';
import { type TestApp, testApp } from '../../support/test-app.js';

let world: TestApp;
let record: MachineRecord;
beforeEach(async () => {
  world = await testApp({ oneStep: false });
  await createMachine(world.app, world.request('dev'), world.call);
  record = await world.app.store.load('dev');
});
afterEach(() => world.remove());

const MAC = '08:00:27:aa:bb:cc';
const ADDRESSES = `2: eth1: <UP>\n    link/ether ${MAC} brd ff:ff:ff:ff:ff:ff\n    inet 192.168.56.100/24 scope global eth1\n`;

function answering(...answers: readonly Partial<GuestResult>[]): GuestShell & { readonly asked: string[] } {
  const left = [...answers];
  const asked: string[] = [];
  return {
    asked,
    run: async (script, args = []) => {
      asked.push([script, ...args].join(' ').slice(0, 60));
      const answer = script.startsWith('cat /etc/os-release') ? { stdout: 'ID=boot2docker\n' } : left.shift();
      return { status: 0, stdout: '', stderr: '', ...answer };
    },
  };
}

/** The driver of a machine that is known by its MAC. */
function knowsMac(): void {
  const { driver } = world;
  const endpoint = driver.endpoint.bind(driver);
  Object.assign(driver, {
    endpoint: (machine: DriverMachine) => ({
      ...endpoint(machine),
      address:
        machine.settings.extra['seen'] === undefined
          ? { kind: 'by-mac', mac: MAC }
          : { kind: 'known', host: machine.settings.extra['seen'] },
    }),
    withAddress: (machine: DriverMachine, host: string) => ({
      ...machine.settings,
      extra: { ...machine.settings.extra, seen: host },
    }),
  });
}

test('P20: the address that the guest tells is stored, as soon as its network card has one', async () => {
  knowsMac();
  const shell = answering({ stdout: '1: lo\n' }, { stdout: '1: lo\n' }, { stdout: ADDRESSES });
  const located = await learnAddress(world.app, record, shell, world.call);
  expect(located.notes.driver).toMatchObject({ seen: '192.168.56.100' });
  expect(shell.asked).toHaveLength(3);
  const again = answering();
  expect(await learnAddress(world.app, located, again, world.call)).toBe(located);
  expect(again.asked).toEqual([]);
});

test('P18: a network card that gets no address is waited for with a limit, and told', async () => {
  knowsMac();
  const shell: GuestShell = { run: async () => ({ status: 0, stdout: '1: lo\n', stderr: '' }) };
  await expect(learnAddress(world.app, record, shell, world.call)).rejects.toThrow(
    'waiting for the address of "dev"',
  );
});

function shares(...folders: readonly Partial<FolderInGuest>[]): void {
  const whole = folders.map((it) => ({
    ...{ name: 'work', hostPath: '/srv/work', guestPath: '/work', sample: '', isAsked: true },
    ...it,
  }));
  Object.assign(world.driver, { sharedFolders: async () => whole });
}

test('P31: every shared folder is mounted', async () => {
  shares({ name: 'a', guestPath: '/a' }, { name: 'b', guestPath: '/b' });
  const scripts: (readonly string[])[] = [];
  const shell: GuestShell = {
    run: async (script, args = []) => {
      if (args.length > 0) scripts.push(args);
      return { status: 0, stdout: script.startsWith('cat') ? 'ID=boot2docker\n' : '', stderr: '' };
    },
  };
  await mountSharedFolders(world.app, record, shell, world.call);
  expect(scripts).toEqual([
    ['a', '/a', ''],
    ['b', '/b', ''],
  ]);
});

test('P31: one that was named and cannot be mounted is an error with a sentence', async () => {
  shares({});
  const shell = answering({ status: 32, stderr: 'mount: unknown filesystem type vboxsf\n' });
  await expect(mountSharedFolders(world.app, record, shell, world.call)).rejects.toMatchObject({
    code: 'SHARE_NOT_MOUNTED',
    message: 'The shared folder "/srv/work" cannot be used in "dev"',
    reason: 'it was to be mounted at /work: mount: unknown filesystem type vboxsf',
  });
});

test('P31: the usual one that cannot be mounted is a warning', async () => {
  shares({ isAsked: false, sample: 'user' });
  await mountSharedFolders(world.app, record, answering({ status: 3 }), world.call);
  expect(world.warnings.at(-1)).toContain(
    'it is mounted, and "user", which this computer has in it, is not there',
  );
});

test('a machine that shares nothing is asked nothing', async () => {
  const shell = answering();
  await mountSharedFolders(world.app, record, shell, world.call);
  shares();
  await mountSharedFolders(world.app, record, shell, world.call);
  expect(shell.asked).toEqual([]);
});

/** A guest that writes a line on its console after each time of `signs`, and whose sshd answers after `readyMs`. */
async function booting(signs: readonly number[], readyMs: number): Promise<number> {
  const { app, clock, call } = world;
  const begunAt = clock.monotonic();
  const passed = () => clock.monotonic() - begunAt;
  Object.assign(world.driver, {
    consoleTail: async () =>
      signs
        .filter((ms) => passed() >= ms)
        .map((ms) => `a sign after ${ms}`)
        .at(-1) ?? '',
  });
  const banner = async () => (passed() >= readyMs ? 'SSH-2.0-x' : undefined);
  const ssh = Object.assign(Object.create(world.guest), { banner });
  const session = await connectGuest({ ...app, ssh }, record, call);
  await session.close();
  return passed();
}

test('P18: a guest that is slow gets a time that fits its latest sign; a dead one does not', async () => {
  expect(await booting([95_000], 800_000)).toBeGreaterThanOrEqual(800_000);
  // The kernel early, init later, as on an interpreted VirtualBox.
  expect(await booting([13_000, 32_000], 600_000)).toBeGreaterThanOrEqual(600_000);
  await expect(booting([2_000], 800_000)).rejects.toThrow(/^Timed out after 18\d s waiting for SSH/);
  await expect(booting([], 800_000)).rejects.toThrow('Timed out after 180 s');
});

test('P18: an sshd that needs half a minute for its banner and a minute and more for the login is given it, once the guest has shown that it is slow', async () => {
  const { app, clock, call } = world;
  Object.assign(world.driver, { consoleTail: async () => `up for ${clock.monotonic()}` });
  const limits: number[] = [];
  const banner = async (_host: string, _port: number, { timeoutMs }: { timeoutMs: number }) => {
    limits.push(timeoutMs);
    await clock.sleep(Math.min(timeoutMs, 30_000), call.signal);
    return timeoutMs >= 30_000 ? 'SSH-2.0-x' : undefined;
  };
  let loginMs = 0;
  const connect = (target: SshTarget, options: SshConnectOptions) => {
    loginMs = options.timeoutMs;
    return world.guest.connect(target, options);
  };
  const ssh = Object.assign(Object.create(world.guest), { banner, connect });
  const session = await connectGuest({ ...app, ssh }, record, call);
  await session.close();
  expect(loginMs).toBeGreaterThan(60_000);
  expect(limits.slice(0, 5)).toEqual([5_000, 5_000, 5_000, 5_000, 5_000]);
  expect(Math.max(...limits)).toBeLessThanOrEqual(60_000);
});

/** `create` on a driver that promises 192.168.56.100, with an image that takes a seed and a guest whose card has `has` in the end. */
async function createWithPromise(has: string): Promise<void> {
  await world.remove();
  world = await testApp({ oneStep: true });
  const { driver, guest } = world;
  knowsMac();
  guest.addresses = ADDRESSES.replace('192.168.56.100', has);
  const start = driver.start.bind(driver);
  Object.assign(driver, {
    reserveAddress: async ({ settings }: DriverMachine) => ({
      settings: { ...settings, extra: { ...settings.extra, seen: '192.168.56.100' } },
      card: { mac: MAC, cidr: '192.168.56.100/24' },
    }),
    // As the real one: the address is not known until the guest has told it.
    start: async (...args: Parameters<typeof start>) => {
      const { config, extra } = await start(...args);
      return { config, extra: { ...extra, seen: undefined } };
    },
  });
  // The guest takes the seed: our certificate and host key are in it from the beginning.
  const connect = guest.connect.bind(guest);
  const { serverCert } = world.app.store.layout.machine('dev');
  guest.connect = async (target, options) => {
    const content = readFileSync(serverCert, 'utf8');
    guest.files.set('/var/lib/boot2docker/server.pem', { content, mode: '644' });
    guest.hostKey = options.hostKey ?? guest.hostKey;
    return connect(target, options);
  };
  await createMachine(world.app, world.request('dev'), world.call);
  record = await world.app.store.load('dev');
}

const serverNames = () =>
  world.app.certificates.describe(readFileSync(record.hostOptions.AuthOptions.ServerCertPath, 'utf8')).names;

test('P20: an address that was promised is on the disk, in the certificate, and stored when the guest has it', async () => {
  await createWithPromise('192.168.56.100');
  const { directory } = world.app.store.layout.machine('dev');
  const head = Buffer.from(world.driver.diskOf(directory)?.head ?? []).toString('latin1');
  expect(head).toContain(`MAC=${MAC} ADDRESS=192.168.56.100/24\n`);
  expect(serverNames()).toContain('192.168.56.100');
  expect(record.notes.driver).toMatchObject({ seen: '192.168.56.100' });
  expect(world.guest.commands).toEqual([
    'cat /etc/os-release',
    'ip addr show',
    'sudo cat /var/lib/boot2docker/server.pem',
  ]);
});

test('P20: a guest that has another address than was promised gets a certificate for that one, over SSH', async () => {
  await createWithPromise('192.168.56.177');
  expect(serverNames()).toContain('192.168.56.177');
  expect(record.notes.driver).toMatchObject({ seen: '192.168.56.177' });
  expect(world.guest.files.has('/var/lib/boot2docker/server-key.pem')).toBe(true);
});
