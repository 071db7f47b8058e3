import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { diagnose } from '../../../src/core/actions/diagnose.js';
import type { Check } from '../../../src/core/diagnosis/check.js';
import type { DiagnosisParts, StoreInspection } from '../../../src/core/diagnosis/parts.js';
import type { Driver, Finding } from '../../../src/core/driver.js';
import { HostNotReadyError } from '../../../src/core/errors.js';
import type { Clock } from '../../../src/core/ports.js';
import { chooseProxy } from '../../../src/core/proxy.js';
import { createNoneDriver } from '../../../src/drivers/none/driver.js';
import { openHost } from '../../../src/host/open-host.js';
import { FakeDriver } from '../../support/fake-driver.js';
import { type ExpectedCall, FakeProcesses } from '../../support/fake-processes.js';
import { type TestApp, testApp } from '../../support/test-app.js';

/** A fake clock's deadlines come at once, and here they are not to. */
function realClock(): Clock {
  const { clock } = openHost();
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}

const RELEASES = 'https://api.example.com/releases/latest';
const REFUSAL: Finding = {
  severity: 'refuse',
  code: 'NO_HYPERVISOR',
  message: 'the hypervisor is not here',
  nextSteps: ['install it'],
};

/** Recorded here (docker 28.2.2), with no engine. */
const DOCKER_28: ExpectedCall = {
  file: '/usr/bin/docker',
  args: ['version', '--format', '{{.Client.Version}} {{.Client.DefaultAPIVersion}}'],
  result: {
    status: 1,
    stdout: '28.2.2 1.50\n',
    stderr: 'Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?\n',
  },
};

describe('diagnose', () => {
  let world: TestApp;
  let open: boolean;

  beforeEach(async () => {
    world = await testApp({ oneStep: false });
    open = true;
  });

  afterEach(() => world.remove());

  interface Given {
    readonly drivers?: readonly Driver[];
    readonly chosen?: string;
    readonly store?: Partial<StoreInspection>;
    readonly docker?: ExpectedCall;
    readonly env?: Readonly<Record<string, string>>;
    readonly hasImage?: boolean;
    readonly clock?: Clock;
  }

  async function look(given: Given = {}) {
    const processes = new FakeProcesses(given.docker === undefined ? [] : [given.docker], {
      programs: given.docker === undefined ? {} : { docker: given.docker.file },
    });
    const parts: DiagnosisParts = {
      drivers: given.drivers ?? [world.driver, createNoneDriver()],
      flagsOf: (driver) => Object.fromEntries(driver.options.map((it) => [it.name, it.default ?? ''])),
      chooseDriver: async () => ({ name: given.chosen ?? 'fake', reason: 'it is here.' }),
      processes,
      tcp: { isOpen: async () => open },
      inspectStore: async () => ({
        root: world.app.store.layout.root,
        exists: true,
        notWritable: undefined,
        freeMib: 5000,
        locks: [],
        ...given.store,
      }),
      program: { version: '1.0.0', build: 'source', runtime: 'Node.js v20' },
      downloadUrls: [RELEASES],
    };
    const app = {
      ...world.app,
      clock: given.clock ?? { ...realClock(), now: () => world.clock.now() },
      proxies: { resolve: async (url: string) => chooseProxy(url, { env: given.env ?? {} }) },
      images: {
        ...world.app.images,
        findLocal: async () => (given.hasImage === false ? undefined : world.image),
      },
    };
    const diagnosis = await diagnose(app, parts, world.call);
    processes.verify();
    return diagnosis;
  }

  const find = (checks: readonly Check[], code: string) => checks.find((check) => check.code === code);

  test('a computer with which nothing is wrong: every line but the missing docker client is ok, and create would work', async () => {
    const { checks, createWorks, driverName } = await look();
    expect({ createWorks, driverName }).toEqual({ createWorks: true, driverName: 'fake' });
    expect(checks.filter(({ verdict }) => verdict !== 'ok').map(({ code }) => code)).toEqual([
      'DOCKER_CLIENT_MISSING',
    ]);
    expect(checks.map(({ text }) => text)).toEqual([
      'create takes "fake": it is here.',
      'fake: machines can be made',
      expect.stringMatching(/^none: nothing to check before a machine is named \(--url option is required/),
      expect.stringMatching(/image\.iso \(v26\.1\.5\)$/),
      expect.stringMatching(/ can be written$/),
      '5000 MB are free there',
      expect.stringMatching(/^authority: not made yet/),
      expect.stringMatching(/^client certificate: not made yet/),
      `${RELEASES}: no proxy (no proxy set)`,
      'docker: there is no docker client on PATH',
      'ssh: not on PATH, and not needed: it is built in',
    ]);
  });

  test('what speaks against the driver that create takes stops create; against another it is a note', async () => {
    const refusing = new FakeDriver({ findings: [REFUSAL] });
    const chosen = await look({ drivers: [refusing] });
    expect(find(chosen.checks, 'NO_HYPERVISOR')).toMatchObject({
      verdict: 'problem',
      text: 'fake: the hypervisor is not here',
      nextSteps: ['install it'],
      stopsCreate: true,
    });
    expect(chosen.createWorks).toBe(false);
    expect(chosen.checks.map(({ text }) => text)).not.toContain('fake: machines can be made');

    const facts = async () => [{ name: 'hardware virtualization', value: 'switched off' }];
    const other = Object.assign(new FakeDriver({ name: 'other', findings: [REFUSAL] }), { survey: facts });
    const beside = await look({ drivers: [world.driver, other] });
    expect(find(beside.checks, 'NO_HYPERVISOR')).toMatchObject({ verdict: 'note', stopsCreate: false });
    expect(find(beside.checks, 'DRIVER_FACT')).toMatchObject({ verdict: 'note' });
    expect(beside.createWorks).toBe(true);
  });

  test('a driver tells what it found, and one that fails does not take the others with it', async () => {
    const telling = Object.assign(new FakeDriver({ name: 'telling' }), {
      survey: async () => [{ name: 'program', value: '/usr/bin/fake, version 7.2' }],
    });
    world.driver.failNext('precheck', new HostNotReadyError({ code: 'BROKEN', message: 'it is broken' }));
    const { checks, createWorks } = await look({ drivers: [world.driver, telling] });
    expect(checks.map(({ text }) => text)).toContain('telling: program: /usr/bin/fake, version 7.2');
    expect(find(checks, 'BROKEN')).toMatchObject({ verdict: 'problem', stopsCreate: true });
    expect(createWorks).toBe(false);
  });

  test('a store that cannot be written, or is full, stops create', async () => {
    const sealed = await look({ store: { notWritable: 'permission denied' } });
    expect(find(sealed.checks, 'STORE_NOT_WRITABLE')).toMatchObject({ reason: 'permission denied' });
    expect(sealed.createWorks).toBe(false);
    expect((await look({ store: { freeMib: 12 } })).createWorks).toBe(false);
  });

  test('the lock of a process that is gone is a note: the next command takes it over', async () => {
    const lock = {
      path: '/store/x.lock',
      title: 'the machine "dev"',
      holder: 'process 1',
      state: 'dead',
    } as const;
    const { checks, createWorks } = await look({ store: { locks: [lock] } });
    expect(find(checks, 'LOCK_OF_DEAD')).toMatchObject({ verdict: 'note' });
    expect(createWorks).toBe(true);
  });

  test('P01: each download names its proxy and who set it, without its password', async () => {
    const env = { HTTPS_PROXY: 'http://user:secret@proxy.corp:8080' };
    const { checks } = await look({ env });
    expect(checks.map(({ text }) => text)).toContain(
      `${RELEASES}: through http://user:***@proxy.corp:8080 (HTTPS_PROXY)`,
    );
    expect(JSON.stringify(checks)).not.toContain('secret');
  });

  test('a proxy that does not answer stops create, unless the boot image is here', async () => {
    open = false;
    const env = { HTTPS_PROXY: 'http://proxy.corp:8080' };
    const without = await look({ env, hasImage: false });
    expect(find(without.checks, 'PROXY_UNREACHABLE')).toMatchObject({
      verdict: 'problem',
      reason: 'nothing answers at proxy.corp:8080',
    });
    expect(without.createWorks).toBe(false);
    const withImage = await look({ env });
    expect(find(withImage.checks, 'PROXY_UNREACHABLE')).toMatchObject({ verdict: 'note' });
    expect(withImage.createWorks).toBe(true);
  });

  test('a proxy setting that cannot be used is a line of the report', async () => {
    const { checks, createWorks } = await look({ env: { HTTPS_PROXY: 'ftp://x' }, hasImage: false });
    expect(find(checks, 'PROXY_INVALID')).toMatchObject({ area: 'network', verdict: 'problem' });
    expect(createWorks).toBe(false);
  });

  test('a broken record is a problem with its way out, and create works all the same', async () => {
    const { directory, config } = world.app.store.layout.machine('broken');
    await mkdir(directory, { recursive: true });
    await writeFile(config, '');
    const { checks, createWorks } = await look();
    const check = checks.find(({ area }) => area === 'machines');
    expect(check).toMatchObject({ verdict: 'problem', text: 'broken: its record cannot be read' });
    expect(check?.nextSteps).not.toEqual([]);
    expect(createWorks).toBe(true);
  });

  describe('with a machine that runs', () => {
    beforeEach(() => createMachine(world.app, world.request('dev'), world.call));

    const answer = (version: { apiVersion: string; minApiVersion: string }, clockMs?: number) => {
      world.guest.engineAnswers = [
        {
          ok: true,
          version: { version: '19.03.12', ...version },
          ...(clockMs !== undefined && { clockMs }),
        },
      ];
    };

    test('P19: the days of all certificates are told', async () => {
      const { checks } = await look();
      expect(checks.map(({ text }) => text)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^dev \(fake\): Running, certificate good for 1079 days$/),
          expect.stringMatching(/^authority: good for 1079 days/),
        ]),
      );
      world.clock.jump(1075 * 86_400_000);
      expect(find((await look()).checks, 'CERTIFICATE_EXPIRES')?.text).toMatch(/good for 4 more days/);
      world.clock.jump(10 * 86_400_000);
      expect(find((await look()).checks, 'CERTIFICATE_EXPIRED')).toMatchObject({ verdict: 'problem' });
    });

    test('one that does not answer in time is a problem, and the others are told all the same', async () => {
      world.driver.holdNext('state');
      const { checks } = await look({ clock: world.clock });
      expect(find(checks, 'MACHINE_SILENT')).toMatchObject({ text: 'dev (fake): no answer within 10 s' });
    });

    test('P40: a docker client and an engine that do not go together are told which side to change', async () => {
      answer({ apiVersion: '1.40', minApiVersion: '1.12' });
      expect((await look({ docker: DOCKER_28 })).checks.map(({ text }) => text)).toEqual(
        expect.arrayContaining([
          'docker: /usr/bin/docker, version 28.2.2, API up to 1.50',
          'dev: engine 19.03.12, API 1.12 to 1.40',
        ]),
      );
      const newest = { ...DOCKER_28, result: { stdout: '29.1.0 1.52\n' } };
      expect(find((await look({ docker: newest })).checks, 'ENGINE_TOO_OLD')).toMatchObject({
        verdict: 'problem',
      });
      answer({ apiVersion: '1.60', minApiVersion: '1.55' });
      expect(find((await look({ docker: DOCKER_28 })).checks, 'DOCKER_CLIENT_TOO_OLD')).toMatchObject({
        verdict: 'problem',
      });
    });

    test('P30: a clock that is off is told, in its direction; a second is none', async () => {
      const version = { apiVersion: '1.45', minApiVersion: '1.24' };
      const now = world.clock.now();
      answer(version, now - 900);
      expect(find((await look()).checks, 'CLOCK_SKEW')).toBeUndefined();
      answer(version, now - 61_000);
      expect(find((await look()).checks, 'CLOCK_SKEW')?.text).toBe(
        "dev: its clock is 60 s behind this computer's",
      );
      answer(version, now + 3_600_000);
      expect(find((await look()).checks, 'CLOCK_SKEW')?.text).toBe(
        "dev: its clock is 3600 s ahead of this computer's",
      );
    });
  });
});
