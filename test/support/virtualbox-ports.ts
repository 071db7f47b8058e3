import { join } from 'node:path';
import type { HostFacts, ProcessRunner } from '../../src/core/ports.js';
import type { HostAddress, VirtualBoxPorts } from '../../src/drivers/virtualbox/ports.js';
import { SystemFileSwaps } from '../../src/host/file-swaps.js';
import { SystemLoopbackPorts } from '../../src/host/loopback-ports.js';
import { SystemRandom } from '../../src/host/random.js';
import { FakeClock } from './fake-clock.js';

/** Facts of a Linux computer that has all that VirtualBox wants. */
export const LINUX_FACTS: HostFacts = {
  platform: 'linux',
  arch: 'x64',
  hostName: 'here',
  userName: 'user',
  cpuCount: 4,
  memoryMiB: 16_000,
  homeDirectory: '/home/user',
  temporaryDirectory: '/tmp',
  bootId: 'boot 1',
  env: {},
};

export interface TestPortsOptions {
  readonly processes: ProcessRunner;
  readonly room?: string;
  readonly facts?: Partial<HostFacts>;
  readonly hostAddresses?: readonly HostAddress[];
  readonly systemFiles?: Readonly<Record<string, string>>;
}

/** The driver's world with time that passes at once and programs of the test's choice. */
export function testPorts(options: TestPortsOptions): VirtualBoxPorts & { readonly clock: FakeClock } {
  const clock = new FakeClock();
  const random = new SystemRandom();
  const facts = { ...LINUX_FACTS, ...options.facts };
  return {
    processes: options.processes,
    loopback: new SystemLoopbackPorts('linux'),
    facts,
    clock,
    random,
    files: new SystemFileSwaps({ clock, random, platform: 'linux' }),
    sharedDirectory: join(options.room ?? '/nowhere', '.tmachine'),
    hostOnlyLock: (_options, work) => work(),
    hostAddresses: () => options.hostAddresses ?? [],
    readSystemFile: async (path) => ({ ...USABLE_LINUX, ...options.systemFiles })[path],
  };
}

const USABLE_LINUX: Readonly<Record<string, string>> = {
  '/proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu vmx lm\n',
};
