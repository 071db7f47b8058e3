import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { stopMachine } from '../../../src/core/actions/power.js';
import { quickstart } from '../../../src/core/actions/quickstart.js';
import { TmachineError } from '../../../src/core/errors.js';
import type { EngineAnswer } from '../../../src/core/ports.js';
import { chooseProxy } from '../../../src/core/proxy.js';
import { type TestApp, testApp } from '../../support/test-app.js';

const DAY_MS = 86_400_000;

const fault = (name: 'unknown-authority' | 'port-closed'): EngineAnswer => ({
  ok: false,
  fault: name,
  detail: 'seen by the test',
});

describe('quickstart', () => {
  let world: TestApp;
  let steps: string[];
  let creations: number;

  beforeEach(async () => {
    world = await testApp({ oneStep: false });
    steps = [];
    creations = 0;
  });

  afterEach(() => world.remove());

  const run = (env: Readonly<Record<string, string>> = {}, handsOverProxies = true) =>
    quickstart(
      {
        ...world.app,
        facts: { ...world.app.facts, env },
        proxies: { resolve: async (url) => chooseProxy(url, { env }) },
      },
      {
        name: 'default',
        programName: 'tmachine',
        create: async () => {
          creations += 1;
          return world.request('default');
        },
        handsOverProxies,
        onStep: (step) => steps.push(step),
      },
      world.call,
    );
  const power = () => world.driver.calls.filter((call) => /^(create|start|stop|remove) /.test(call));
  const directory = () => world.app.store.layout.machine('default').directory;
  const make = async () => {
    await createMachine(world.app, world.request('default'), world.call);
    world.driver.calls.length = 0;
    world.lines.length = 0;
  };

  test('makes the machine when there is none, and says where its engine is; the steps are those of start.sh', async () => {
    const found = await run();
    expect(found).toMatchObject({ name: 'default', address: '127.0.0.1', certPath: directory() });
    expect(power()).toEqual(['create default', 'start default']);
    expect(steps).toEqual([
      'Checking if machine default exists',
      'Looking for vboxmanage.exe',
      'Checking if machine default exists',
      'Checking status on default',
      'Setting env',
    ]);
  });

  test('a machine that runs is used as it is, without a word', async () => {
    await make();
    await run();
    expect({ calls: power(), lines: world.lines, creations }).toEqual({ calls: [], lines: [], creations: 0 });
  });

  test('a stopped machine is started', async () => {
    await make();
    await stopMachine(world.app, 'default', world.call);
    await run();
    expect(power()).toEqual(['stop default', 'start default']);
  });

  test('a creation that was cut off is gone on with, whatever the flags are now', async () => {
    world.driver.failNext('start', new TmachineError({ code: 'X', message: 'the power was out' }));
    await createMachine(world.app, world.request('default', { 'fake-memory': 2048 }), world.call).catch(
      () => undefined,
    );
    await run();
    expect((await world.app.store.load('default')).driver).toMatchObject({ Memory: 2048 });
    expect(creations).toBe(0);
  });

  test('a virtual machine that is gone is made anew from its record', async () => {
    await createMachine(world.app, world.request('default', { 'fake-memory': 2048 }), world.call);
    world.driver.deleteVm(directory());
    world.guest.hostKey = 'ssh-ed25519 AAAAanother';
    world.driver.calls.length = 0;
    await run();
    expect(power()).toEqual(['create default', 'start default']);
    expect(await world.app.store.load('default')).toMatchObject({
      driver: { Memory: 2048 },
      notes: { hostKey: 'ssh-ed25519 AAAAanother' },
    });
  });

  test('P19: after the authority and all certificates have ended, quickstart makes them anew', async () => {
    await make();
    await stopMachine(world.app, 'default', world.call);
    const { serverCert, clientCert } = world.app.store.layout.machine('default');
    const before = [serverCert, clientCert].map((path) => readFileSync(path, 'utf8'));
    world.clock.jump(1081 * DAY_MS);
    await run();
    const now = world.clock.now();
    for (const [at, path] of [serverCert, clientCert].entries()) {
      const text = readFileSync(path, 'utf8');
      expect(text).not.toBe(before[at]);
      expect(world.app.certificates.describe(text).notAfter).toBeGreaterThan(now);
    }
  });

  test('an engine whose certificate is not accepted gets another one; for any other fault nothing is touched', async () => {
    await make();
    const { serverCert } = world.app.store.layout.machine('default');
    const before = readFileSync(serverCert, 'utf8');
    world.guest.engineAnswers = [fault('port-closed')];
    await expect(run()).rejects.toMatchObject({ code: 'ENGINE_PORT_CLOSED' });
    expect(steps.at(-1)).toBe('Setting env');
    expect(readFileSync(serverCert, 'utf8')).toBe(before);

    world.guest.engineAnswers = [fault('unknown-authority'), { ok: true, version: undefined }];
    await run();
    expect(readFileSync(serverCert, 'utf8')).not.toBe(before);
    expect(world.lines[0]).toMatch(/^The certificates of "default" are renewed: /);
  });

  test('a client certificate that was renewed elsewhere reaches DOCKER_CERT_PATH', async () => {
    await make();
    const record = await world.app.store.load('default');
    writeFileSync(record.hostOptions.AuthOptions.ClientCertPath, 'another');
    await run();
    expect(readFileSync(world.app.store.layout.machine('default').clientCert, 'utf8')).toBe('another');
  });

  describe('the proxies of this computer', () => {
    const engineEnv = async () => (await world.app.store.load('default')).hostOptions.EngineOptions.Env ?? [];

    test('P04: reach the engine, those on loopback as the guest sees them, with NO_PROXY', async () => {
      Object.assign(world.driver, {
        hostInGuest: () => ({ address: '10.0.2.2', reachesLoopback: true, networks: ['10.0.2.0/24'] }),
      });
      await run({
        HTTP_PROXY: 'http://user:secret@proxy.corp:8080',
        https_proxy: 'http://127.0.0.1:3128',
        NO_PROXY: 'intra.corp',
      });
      expect(await engineEnv()).toEqual([
        'HTTP_PROXY=http://user:secret@proxy.corp:8080',
        'HTTPS_PROXY=http://10.0.2.2:3128',
        'NO_PROXY=intra.corp,localhost,127.0.0.1,10.0.2.0/24',
      ]);
      expect(world.lines).toContain('The proxy http://127.0.0.1:3128 is http://10.0.2.2:3128 for the guest.');
      expect(world.lines.join('\n')).not.toContain('secret');
    });

    test('not when --engine-proxy says otherwise', async () => {
      await run({ HTTP_PROXY: 'http://proxy.corp:8080' }, false);
      expect(await engineEnv()).toEqual([]);
    });

    test('none: the engine gets none', async () => {
      await run({ NO_PROXY: 'x', HTTP_PROXY: '' });
      expect(await engineEnv()).toEqual([]);
    });
  });

  test('somebody else who makes the machine at the same time is no failure', async () => {
    const found = await Promise.all([run(), run()]);
    expect(found.map(({ name }) => name)).toEqual(['default', 'default']);
    expect(power()).toEqual(['create default', 'start default']);
  });
});
