import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DriverMachine } from '../../../src/core/driver.js';
import { createGenericDriver } from '../../../src/drivers/generic/driver.js';
import { context, driverContract, stored } from '../../contract/driver-contract.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const FLAGS = {
  'generic-ip-address': '10.1.2.3',
  'generic-ssh-user': 'root',
  'generic-ssh-key': '',
  'generic-ssh-port': 22,
  'generic-engine-port': 2376,
};

/** Answers from a list of open `host:port`. */
function driverWith(...open: string[]) {
  return createGenericDriver({ tcp: { isOpen: async (host, port) => open.includes(`${host}:${port}`) } });
}

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  room = await temporaryDirectory('generic');
});
afterEach(() => room.remove());

async function newMachine(flags: Record<string, string | number>): Promise<DriverMachine> {
  const directory = join(room.path, 'machines', 'dev');
  await mkdir(directory, { recursive: true });
  const settings = driverWith().parseOptions({ ...FLAGS, ...flags }, { name: 'dev', storePath: room.path });
  return { name: 'dev', storePath: room.path, directory, settings };
}

driverContract(
  'generic',
  async (at) => {
    const key = join(at, 'my_key');
    await writeFile(key, 'private');
    return {
      driver: driverWith(),
      flags: { ...FLAGS, 'generic-ssh-key': key },
      badFlags: [
        { 'generic-ip-address': '' },
        { 'generic-ip-address': 'tcp://10.1.2.3' },
        { 'generic-ip-address': 'two words' },
        { 'generic-ssh-port': 0 },
        { 'generic-engine-port': 70000 },
      ],
      disk: async () => ({ imagePath: '', head: new Uint8Array() }),
      close: async () => {},
    };
  },
  { powerControl: false },
);

test('the flags are docker-machine\u2019s', () => {
  expect(driverWith().options.map(({ name, env, default: value, help }) => [name, env, value, help])).toEqual(
    [
      ['generic-engine-port', 'GENERIC_ENGINE_PORT', 2376, 'Docker engine port'],
      ['generic-ip-address', 'GENERIC_IP_ADDRESS', '', 'IP Address of machine'],
      ['generic-ssh-user', 'GENERIC_SSH_USER', 'root', 'SSH user'],
      [
        'generic-ssh-key',
        'GENERIC_SSH_KEY',
        '',
        'SSH private key path (if not provided, default SSH key will be used)',
      ],
      ['generic-ssh-port', 'GENERIC_SSH_PORT', 22, 'SSH port'],
    ],
  );
});

test('the record is docker-machine\u2019s', async () => {
  const { settings } = await newMachine({
    'generic-ssh-key': '/home/u/.ssh/id_ed25519',
    'generic-ssh-port': 2222,
  });
  expect(JSON.stringify(settings.config)).toBe(
    `{"IPAddress":"10.1.2.3","MachineName":"dev","SSHUser":"root","SSHPort":2222,"SSHKeyPath":"","StorePath":"${room.path}","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","EnginePort":2376,"SSHKey":"/home/u/.ssh/id_ed25519"}`,
  );
});

test('without an address the contract\u2019s sentence', async () => {
  await expect(newMachine({ 'generic-ip-address': '' })).rejects.toThrow(
    'generic driver requires the --generic-ip-address option',
  );
});

describe('the SSH key', () => {
  test('is imported with its public half, private both', async () => {
    const key = join(room.path, 'my key');
    await writeFile(key, 'private');
    await chmod(key, 0o644);
    await writeFile(`${key}.pub`, 'public');
    const machine = await newMachine({ 'generic-ssh-key': key });
    const said = context();
    const made = stored(
      machine,
      await driverWith().create(machine, { imagePath: '', head: new Uint8Array() }, said),
    );
    expect(said.lines).toEqual(['Importing SSH key...']);
    const copy = join(machine.directory, 'my key');
    expect(made.settings.config['SSHKeyPath']).toBe(copy);
    expect(await readFile(copy, 'utf8')).toBe('private');
    expect(await readFile(`${copy}.pub`, 'utf8')).toBe('public');
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
    expect(driverWith().endpoint(made).ssh).toEqual({
      host: '10.1.2.3',
      port: 22,
      user: 'root',
      keyPath: copy,
    });
  });

  test('may lack its public half', async () => {
    const key = join(room.path, 'lonely');
    await writeFile(key, 'private');
    const machine = await newMachine({ 'generic-ssh-key': key });
    const said = context();
    await driverWith().create(machine, { imagePath: '', head: new Uint8Array() }, said);
    expect(said.lines[1]).toMatch(/^Couldn't copy SSH public key : .*lonely\.pub/);
  });

  test.each(['key.pem', 'server-key.pem', 'config.json', 'tmachine.json'])(
    'never takes the place of a file of the store: %s',
    async (name) => {
      const key = join(room.path, name);
      await writeFile(key, 'private');
      const machine = await newMachine({ 'generic-ssh-key': key });
      await writeFile(join(machine.directory, name), 'theirs');
      const settings = await driverWith().create(
        machine,
        { imagePath: '', head: new Uint8Array() },
        context(),
      );
      expect(settings.config['SSHKeyPath']).toBe(join(machine.directory, `ssh-${name}`));
      await driverWith().remove(machine, context());
      expect(await readFile(join(machine.directory, name), 'utf8')).toBe('theirs');
    },
  );

  test('that does not exist is found before anything is made', async () => {
    const machine = await newMachine({ 'generic-ssh-key': '/no/such "key"' });
    expect(await driverWith().precheck(machine, context())).toEqual([
      {
        severity: 'refuse',
        code: 'SSH_KEY_MISSING',
        message: 'SSH key does not exist: "/no/such \\"key\\""',
        nextSteps: ['name a private key file that you may read:  --generic-ssh-key PATH'],
      },
    ]);
  });

  test('that is a directory is found too', async () => {
    const machine = await newMachine({ 'generic-ssh-key': room.path });
    expect(await driverWith().precheck(machine, context())).toMatchObject([{ code: 'SSH_KEY_UNREADABLE' }]);
  });

  test('none: the user\u2019s own keys and agent', async () => {
    const machine = await newMachine({});
    const said = context();
    const settings = await driverWith().create(machine, { imagePath: '', head: new Uint8Array() }, said);
    expect(said.lines).toEqual(['No SSH key specified. Assuming an existing key at the default location.']);
    expect(driverWith().endpoint(stored(machine, settings)).ssh).not.toHaveProperty('keyPath');
  });

  test('P29: in a store that was moved it is looked for beside its record', async () => {
    const machine = await newMachine({});
    const config = {
      ...machine.settings.config,
      StorePath: '/old',
      SSHKeyPath: '/old/machines/dev/id_rsa',
    };
    const moved = stored(machine, { config, extra: {} });
    expect(driverWith().endpoint(moved).ssh?.keyPath).toBe(join(machine.directory, 'id_rsa'));
    const elsewhere = stored(machine, { config: { ...config, SSHKeyPath: '/home/u/key' }, extra: {} });
    expect(driverWith().endpoint(elsewhere).ssh?.keyPath).toBe('/home/u/key');
  });
});

test('a machine runs when its SSH port is open', async () => {
  const machine = await newMachine({ 'generic-ssh-port': 2222 });
  expect(await driverWith('10.1.2.3:2222').state(machine, context())).toBe('running');
  expect(await driverWith('10.1.2.3:22').state(machine, context())).toBe('stopped');
});

test('a host that swallows packets is waited for 5 s, then it counts as stopped', async () => {
  const asked: number[] = [];
  const silent = createGenericDriver({
    tcp: {
      isOpen: async (_host, _port, { timeoutMs }) => {
        asked.push(timeoutMs);
        return false;
      },
    },
  });
  expect(await silent.state(await newMachine({}), context())).toBe('stopped');
  expect(asked).toEqual([5_000]);
});

test('power is refused in the contract\u2019s words; a restart goes through the guest', () => {
  expect(driverWith().powerRefusal('start')).toBe('generic driver does not support start');
  expect(driverWith().powerRefusal('kill')).toBe('generic driver does not support kill');
  expect(driverWith().capabilities.restartsInGuest).toBe(true);
});
