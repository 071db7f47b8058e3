import { describe, expect, test } from '@jest/globals';
import type { DriverMachine, FlagValues } from '../../../src/core/driver.js';
import { UsageError } from '../../../src/core/errors.js';
import { parseQemuOptions, QEMU_OPTIONS } from '../../../src/drivers/qemu/options.js';
import { parseSettings, storeSettings, withPorts } from '../../../src/drivers/qemu/settings.js';

const MACHINE = { name: 'dev', storePath: '/store' };

function parse(flags: FlagValues) {
  const defaults = Object.fromEntries(QEMU_OPTIONS.map((option) => [option.name, option.default ?? '']));
  return parseQemuOptions({ ...defaults, ...flags }, MACHINE, '/store/machines/dev/id_rsa');
}

function machine(config: DriverMachine['settings']['config'], extra: DriverMachine['settings']['extra']) {
  return { ...MACHINE, directory: '/store/machines/dev', settings: { config, extra } };
}

test('the flags, their units, defaults and variables', () => {
  expect(QEMU_OPTIONS.map(({ name, env, default: value }) => [name, env, value])).toEqual([
    ['qemu-memory', 'QEMU_MEMORY', 1024],
    ['qemu-cpu-count', 'QEMU_CPU_COUNT', 2],
    ['qemu-disk-size', 'QEMU_DISK_SIZE', 20000],
    ['qemu-boot2docker-url', 'QEMU_BOOT2DOCKER_URL', ''],
    ['qemu-accelerator', 'QEMU_ACCELERATOR', 'auto'],
    ['qemu-ssh-port', 'QEMU_SSH_PORT', 0],
    ['qemu-engine-port', 'QEMU_ENGINE_PORT', 0],
  ]);
});

test('the record has the common fields first, then those of docker-machine-driver-qemu', () => {
  const { config, extra } = storeSettings(
    parse({ 'qemu-ssh-port': 2222, 'swarm-host': 'tcp://0.0.0.0:3376' }),
  );
  expect(JSON.stringify(config, undefined, 1)).toBe(
    JSON.stringify(
      {
        IPAddress: '127.0.0.1',
        MachineName: 'dev',
        SSHUser: 'docker',
        SSHPort: 2222,
        SSHKeyPath: '/store/machines/dev/id_rsa',
        StorePath: '/store',
        SwarmMaster: false,
        SwarmHost: 'tcp://0.0.0.0:3376',
        SwarmDiscovery: '',
        EnginePort: 0,
        Memory: 1024,
        DiskSize: 20000,
        CPU: 2,
        Network: 'user',
        Boot2DockerURL: '',
      },
      undefined,
      1,
    ),
  );
  expect(extra).toEqual({ tmachineQemu: 1, accelerator: 'auto', askedSshPort: 2222, askedEnginePort: 0 });
});

describe('values that can never work are refused', () => {
  test.each([
    [{ 'qemu-memory': 255 }, '--qemu-memory cannot be 255'],
    [{ 'qemu-memory': -1 }, '--qemu-memory cannot be -1'],
    [{ 'qemu-cpu-count': 0 }, '--qemu-cpu-count cannot be 0'],
    [{ 'qemu-cpu-count': -2 }, '--qemu-cpu-count cannot be -2'],
    [{ 'qemu-disk-size': 1199 }, '--qemu-disk-size cannot be 1199'],
    [{ 'qemu-ssh-port': 65536 }, '--qemu-ssh-port cannot be 65536'],
    [{ 'qemu-engine-port': -1 }, '--qemu-engine-port cannot be -1'],
    [{ 'qemu-accelerator': 'KVM' }, '--qemu-accelerator cannot be "KVM"'],
    [{ 'qemu-ssh-port': 99, 'qemu-engine-port': 99 }, '--qemu-ssh-port and --qemu-engine-port are both 99'],
  ])('%j', (flags, message) => {
    expect(() => parse(flags)).toThrow(new UsageError({ message }));
  });
});

test('what is stored is read back, also after new ports', () => {
  const settings = withPorts(
    parse({ 'qemu-memory': 512, 'qemu-cpu-count': -1, 'qemu-accelerator': 'tcg', 'qemu-engine-port': 23760 }),
    { sshPort: 1, enginePort: 2 },
  );
  const { config, extra } = storeSettings(settings);
  const [again, more] = [config, extra].map((part) => JSON.parse(JSON.stringify(part)));
  expect(parseSettings(machine(again, more))).toEqual(settings);
  expect(settings).toMatchObject({ enginePort: 2, base: { SSHPort: 1 }, askedEnginePort: 23760 });
});

test('a machine that has lost its notes runs on with defaults for them', () => {
  const { config } = storeSettings(parse({ 'qemu-accelerator': 'kvm' }));
  expect(parseSettings(machine(config, {}))).toMatchObject({ accelerator: 'auto', askedSshPort: 0 });
});

test('a machine of the plugin is named as such', () => {
  const config = { MachineName: 'dev', EnginePort: 2376, FirstQuery: true, Program: 'qemu-system-x86_64' };
  expect(() => parseSettings(machine(config, {}))).toThrow(
    'Machine "dev" belongs to the docker-machine-driver-qemu plugin',
  );
});

test('a machine of a newer tmachine is not guessed at', () => {
  expect(() => parseSettings(machine({}, { tmachineQemu: 2 }))).toThrow(
    'Machine "dev" was made by a newer tmachine',
  );
});

test('a hand-edited record with wrong types falls back to defaults', () => {
  const config = { Memory: '2048', CPU: 1.5, SSHPort: null, SSHUser: 7, DiskSize: [] };
  expect(parseSettings(machine(config, { tmachineQemu: 1, accelerator: 'magic' }))).toMatchObject({
    memoryMb: 1024,
    cpuCount: 1,
    diskMb: 20000,
    accelerator: 'auto',
    base: { SSHPort: 0, SSHUser: 'docker' },
  });
});
