import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../src/certs/authority.js';
import type { CreateRequest } from '../../src/core/actions/create.js';
import type { App, Call } from '../../src/core/app.js';
import { TmachineError } from '../../src/core/errors.js';
import { makeHostOptions } from '../../src/core/host-options.js';
import type { JsonObject } from '../../src/core/json.js';
import type { BootImage } from '../../src/core/ports.js';
import { parseRepository } from '../../src/download/boot2docker-release.js';
import { createImageShelf } from '../../src/download/image-shelf.js';
import { createNoneDriver } from '../../src/drivers/none/driver.js';
import { SystemFileSwaps } from '../../src/host/file-swaps.js';
import { openHost } from '../../src/host/open-host.js';
import { createBoot2DockerProvisioner } from '../../src/provisioners/boot2docker.js';
import { FileStore } from '../../src/store/file-store.js';
import { storeLayout } from '../../src/store/layout.js';
import { FakeClock } from './fake-clock.js';
import { FakeDriver } from './fake-driver.js';
import { FakeGuest } from './fake-guest.js';
import { DEFAULT_REQUEST } from './machine-record.js';

/** An `App` on a real store in a temporary directory, with a hypervisor and a guest in memory, and what it told the user. */
export interface TestApp {
  readonly app: App;
  readonly call: Call;
  readonly driver: FakeDriver;
  readonly guest: FakeGuest;
  readonly clock: FakeClock;
  readonly lines: string[];
  readonly warnings: string[];
  readonly interrupt: AbortController;
  /** The image that `locate` finds. */
  image: BootImage;
  request(name: string, flags?: JsonObject): CreateRequest;
  /** A call of its own, as another run of the program has it. */
  newCall(): { readonly call: Call; readonly lines: string[] };
  remove(): Promise<void>;
}

export async function testApp(options: { readonly oneStep?: boolean } = {}): Promise<TestApp> {
  const directory = await mkdtemp(join(tmpdir(), 'tmachine-actions-'));
  const clock = new FakeClock();
  const host = openHost();
  const layout = storeLayout(directory, 'linux');
  const swaps = new SystemFileSwaps({ clock: host.clock, random: host.random, platform: 'linux' });
  const store = new FileStore({
    layout,
    facts: host.facts,
    clock: host.clock,
    random: host.random,
    swaps,
    processTable: host.processTable,
    warn: () => undefined,
  });
  const driver = new FakeDriver();
  const guest = new FakeGuest();
  const imagePath = join(directory, 'image.iso');
  await writeFile(imagePath, 'an image');
  const none = createNoneDriver();
  const interrupt = new AbortController();
  const { call, lines, warnings } = recordingCall(interrupt.signal);
  const test: TestApp = {
    app: {
      clock,
      facts: { ...host.facts, hostName: hostname(), userName: 'tester', env: {} },
      store,
      certificates: createCertificateAuthority({ clock, random: host.random }),
      engine: guest,
      ssh: guest,
      images: {
        locate: async () => test.image,
        describe: async () => test.image,
        findLocal: async () => test.image,
      },
      routes: { check: async () => [] },
      shelf: createImageShelf({
        cacheDirectory: layout.cache,
        platform: 'linux',
        swaps,
        lock: (entry, options, work) => store.lock({ cache: entry }, options, work),
        releases: parseRepository('boot2docker/boot2docker'),
        guestPackages: [],
        knownDigests: new Set(),
      }),
      provisioners: [createBoot2DockerProvisioner('{{arguments}}\n{{exports}}\n')],
      proxies: { resolve: async () => ({ proxy: 'direct', from: 'no proxy set' }) },
      trust: { named: async () => [], system: async () => [] },
      driver: (name) => {
        const known = [driver, none].find((it) => it.name === name);
        if (known !== undefined) return known;
        throw new TmachineError({ code: 'DRIVER_NOT_FOUND', message: `Driver "${name}" not found` });
      },
    },
    call,
    driver,
    guest,
    clock,
    lines,
    warnings,
    interrupt,
    image: {
      path: imagePath,
      origin: imagePath,
      version: 'v26.1.5',
      digest: 'd'.repeat(64),
      oneStep: options.oneStep ?? true,
    },
    request: (name, flags = {}) => ({
      name,
      driverName: 'fake',
      settings: driver.parseOptions(
        { 'fake-memory': 1024, 'fake-image-url': '', ...asFlags(flags) },
        { name, storePath: directory },
      ),
      hostOptions: makeHostOptions(layout, name, DEFAULT_REQUEST),
      request: { driver: 'fake', ...flags },
      programName: 'tmachine',
    }),
    newCall: () => recordingCall(new AbortController().signal),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
  return test;
}

function asFlags(flags: JsonObject): Record<string, number> {
  return Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, Number(value)]));
}

function recordingCall(signal: AbortSignal): { call: Call; lines: string[]; warnings: string[] } {
  const lines: string[] = [];
  const warnings: string[] = [];
  const reporter = {
    step: (line: string) => lines.push(line),
    warn: (line: string) => warnings.push(line),
    debug: () => undefined,
    progress: () => ({ update: () => undefined, end: () => undefined }),
  };
  return { call: { reporter, signal }, lines, warnings };
}
