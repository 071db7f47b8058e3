import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { setEngine } from '../../../src/core/actions/engine-settings.js';
import { killMachine, startMachine, stopMachine } from '../../../src/core/actions/power.js';
import { provisionMachine } from '../../../src/core/actions/reprovision.js';
import type { HostInGuest } from '../../../src/core/driver.js';
import { type EngineChange, NO_CHANGE } from '../../../src/core/engine-change.js';
import { GuestError } from '../../../src/core/errors.js';
import type { TrustedCertificate } from '../../../src/core/machine.js';
import { type TestApp, testApp } from '../../support/test-app.js';

const PROFILE = '/var/lib/boot2docker/profile';
const CORP = '/var/lib/boot2docker/certs/tmachine-corp.pem';
const REGISTRY_CORP = '/var/lib/boot2docker/etc/docker/certs.d/reg:5000/tmachine-corp.crt';
const host: HostInGuest = { address: '10.0.2.2', reachesLoopback: true, networks: ['10.0.2.0/24'] };

let world: TestApp;

beforeEach(async () => {
  world = await testApp({ oneStep: false });
  Object.assign(world.driver, { hostInGuest: () => host });
});
afterEach(() => world.remove());

const set = (change: Partial<EngineChange>) =>
  setEngine(world.app, 'dev', () => ({ ...NO_CHANGE, ...change }), world.call);
const isRestart = (script: string) => /docker stop\n.*docker start$/s.test(script);
const restarts = () => world.guest.scripts.filter(isRestart).length;
const profile = () => world.guest.files.get(PROFILE)?.content;
const stored = () => world.app.store.load('dev');

/** Files of the store that hold a text. */
function filesWith(text: string): readonly string[] {
  const { root } = world.app.store.layout;
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => join(root, path));
  return files.filter((path) => statSync(path).isFile() && readFileSync(path, 'latin1').includes(text));
}

async function create(name = 'dev', trusted: readonly TrustedCertificate[] = []): Promise<void> {
  await createMachine(world.app, { ...world.request(name), trusted }, world.call);
  world.lines.length = 0;
  world.guest.scripts.length = 0;
}

describe('P06: set on a machine that runs', () => {
  beforeEach(() => create());

  test("reaches the guest at once, restarts the engine, waits for it, and is kept in docker-machine's own fields", async () => {
    await set({ httpProxy: 'http://proxy.example:8080', registryMirrors: ['http://mirror.example:5000'] });
    expect(profile()).toContain('--registry-mirror http://mirror.example:5000');
    expect(profile()).toContain('export "HTTP_PROXY=http://proxy.example:8080"');
    expect(restarts()).toBe(1);
    expect(world.lines).toEqual([
      '(dev) variable HTTP_PROXY: http://proxy.example:8080',
      '(dev) variable NO_PROXY: localhost,127.0.0.1,10.0.2.0/24',
      '(dev) registry mirror http://mirror.example:5000: added',
      'Setting Docker configuration on the remote daemon...',
      'Restarting docker...',
    ]);
    const config = JSON.parse(readFileSync(world.app.store.layout.machine('dev').config, 'utf8'));
    expect(config.HostOptions.EngineOptions).toMatchObject({
      Env: ['HTTP_PROXY=http://proxy.example:8080', 'NO_PROXY=localhost,127.0.0.1,10.0.2.0/24'],
      RegistryMirror: ['http://mirror.example:5000'],
    });
    expect((await stored()).notes.settingsPending).toBeUndefined();
  });

  test('the same again says that there is nothing to change, and touches nothing', async () => {
    await set({ httpProxy: 'http://proxy.example:8080' });
    world.lines.length = 0;
    world.guest.scripts.length = 0;
    await set({ httpProxy: 'http://proxy.example:8080' });
    expect(world.lines).toEqual(['Nothing to change in "dev".']);
    expect(world.guest.scripts).toEqual([]);
  });

  test('a guest that has the settings already keeps its engine running', async () => {
    await set({ env: ['A=1'] });
    const record = await stored();
    await world.app.store.save({
      ...record,
      hostOptions: {
        ...record.hostOptions,
        EngineOptions: { ...record.hostOptions.EngineOptions, Env: [] },
      },
    });
    const before = restarts();
    await set({ env: ['A=1'] });
    expect(restarts()).toBe(before);
  });

  test('P02: a password that was taken away is in no file of the store any more', async () => {
    const secret = 'http://me:s3cr3t@proxy.example:8080';
    const asked = world.request('other');
    const EngineOptions = { ...asked.hostOptions.EngineOptions, Env: [`HTTP_PROXY=${secret}`] };
    const request = { 'engine-env': [`HTTP_PROXY=${secret}`] };
    await createMachine(
      world.app,
      { ...asked, request, hostOptions: { ...asked.hostOptions, EngineOptions } },
      world.call,
    );
    const change = (asked: Partial<EngineChange>) =>
      setEngine(world.app, 'other', () => ({ ...NO_CHANGE, ...asked }), world.call);
    await change({ httpsProxy: secret });
    expect(filesWith('s3cr3t')).not.toEqual([]);
    await change({ unset: ['http-proxy', 'https-proxy'] });
    expect(filesWith('s3cr3t')).toEqual([]);
  });

  test('what was to be unset and was not there is said, beside what has changed', async () => {
    await set({ httpProxy: 'http://proxy.example:8080' });
    world.lines.length = 0;
    await set({ unset: ['http-proxy', 'registry-mirror=http://mirror.example'] });
    expect(world.lines).toContain('(dev) registry-mirror=http://mirror.example: was not set');
    world.lines.length = 0;
    await set({ unset: ['http-proxy'] });
    expect(world.lines).toEqual(['(dev) http-proxy: was not set', 'Nothing to change in "dev".']);
  });

  test('provision keeps what set has changed', async () => {
    await set({ env: ['A=1'], trusted: [{ name: 'corp', pem: 'PEM\n' }] });
    world.guest.files.clear();
    await provisionMachine(world.app, 'dev', world.call);
    expect(profile()).toContain('export "A=1"');
    expect(world.guest.files.get(CORP)?.content).toBe('PEM\n');
  });

  test('P03: a certificate comes and goes, each with a restart; one for a registry alone needs none', async () => {
    await set({ trusted: [{ name: 'corp', pem: 'PEM\n' }] });
    expect(world.guest.files.get(CORP)).toEqual({ content: 'PEM\n', mode: '644' });
    expect(restarts()).toBe(1);
    await set({ trusted: [{ name: 'corp', pem: 'REG\n', registry: 'reg:5000' }] });
    expect(world.guest.files.get(REGISTRY_CORP)?.content).toBe('REG\n');
    expect(restarts()).toBe(1);
    await set({ unset: ['ca-cert=corp'] });
    expect(world.guest.files.has(CORP)).toBe(false);
    expect(world.guest.files.has(REGISTRY_CORP)).toBe(true);
    expect(restarts()).toBe(2);
  });

  test('cut off before the engine restarted, the same command restarts it', async () => {
    const answers = world.guest.engineAnswers;
    const restart = world.guest.connect.bind(world.guest);
    world.guest.connect = async (target, options) => {
      const session = await restart(target, options);
      return {
        ...session,
        run: async (script, args, runOptions) => {
          if (isRestart(script)) throw new GuestError({ code: 'SSH_LOST', message: 'cut' });
          return session.run(script, args, runOptions);
        },
      };
    };
    await expect(set({ env: ['A=1'] })).rejects.toThrow('cut');
    expect((await stored()).notes.settingsPending).toBe(true);
    world.guest.connect = restart;
    world.guest.engineAnswers = answers;
    await set({ env: ['A=1'] });
    expect(restarts()).toBe(1);
    expect((await stored()).notes.settingsPending).toBeUndefined();
  });

  test('P04: a proxy that the guest cannot reach is a warning with a way on, without its password', async () => {
    world.guest.reachable = new Set();
    await set({ httpProxy: 'http://me:secret@10.0.2.2:3128', httpsProxy: 'http://me:secret@10.0.2.2:3128' });
    expect(world.warnings).toEqual([
      '(dev) The guest cannot reach the proxy http://me:***@10.0.2.2:3128 (Connection refused): pulls will fail. If it runs on this computer, let it listen on all addresses; "tmachine proxy check --machine dev" shows each hop.',
    ]);
  });

  test('values that would be torn apart in the guest are refused before anything is saved', async () => {
    await expect(set({ registryMirrors: ['http://a b'] })).rejects.toThrow(
      'of --registry-mirror cannot be used',
    );
    await expect(set({ env: ['NOVALUE'] })).rejects.toThrow('of --engine-env cannot be used');
    expect((await stored()).hostOptions.EngineOptions.RegistryMirror).toEqual([]);
  });
});

describe('P06: set on a machine that does not run', () => {
  test('is said to wait, reaches the guest at the next start, and only then', async () => {
    await create();
    await stopMachine(world.app, 'dev', world.call);
    world.lines.length = 0;
    await set({ env: ['A=1'] });
    expect(world.lines).toEqual([
      '(dev) variable A: added',
      '"dev" does not run now: it takes these settings when it starts.',
    ]);
    expect(profile()).not.toContain('A=1');
    world.lines.length = 0;
    await startMachine(world.app, 'dev', world.call);
    expect(profile()).toContain('export "A=1"');
    expect(world.lines).toContain('Restarting docker...');
    await killMachine(world.app, 'dev', world.call);
    world.lines.length = 0;
    await startMachine(world.app, 'dev', world.call);
    expect(world.lines).not.toContain('Restarting docker...');
  });
});

test('create puts certificates on the disk of a guest that takes a seed, and those for one registry over SSH', async () => {
  const seeding = await testApp();
  const paths = seeding.app.store.layout.machine('dev');
  // The guest applies the seed: its server certificate is the one in the store, its host key the one on the disk.
  const { connect } = seeding.guest;
  seeding.guest.connect = async (target, options) => {
    const content = readFileSync(paths.serverCert, 'utf8');
    seeding.guest.files.set('/var/lib/boot2docker/server.pem', { content, mode: '644' });
    seeding.guest.hostKey = options.hostKey ?? seeding.guest.hostKey;
    return connect.call(seeding.guest, target, options);
  };
  await createMachine(
    seeding.app,
    {
      ...seeding.request('dev'),
      trusted: [
        { name: 'corp', pem: 'CORP-PEM\n' },
        { name: 'corp', pem: 'REGISTRY-PEM\n', registry: 'reg:5000' },
      ],
    },
    seeding.call,
  );
  const head = seeding.driver.diskOf(paths.directory)?.head ?? new Uint8Array();
  const text = Buffer.from(head).toString('latin1');
  expect(text).toContain('certs/tmachine-corp.pem');
  expect(text).toContain('CORP-PEM');
  expect([...seeding.guest.files.keys()]).toEqual(['/var/lib/boot2docker/server.pem', REGISTRY_CORP]);
  expect((await seeding.app.store.load('dev')).notes.trusted).toHaveLength(2);
  await seeding.remove();
});

test('create warns of a proxy of --engine-env that the guest cannot reach', async () => {
  world.guest.reachable = new Set();
  const request = world.request('dev');
  const { EngineOptions } = request.hostOptions;
  await createMachine(
    world.app,
    {
      ...request,
      hostOptions: {
        ...request.hostOptions,
        EngineOptions: { ...EngineOptions, Env: ['HTTPS_PROXY=http://127.0.0.1:3128'] },
      },
    },
    world.call,
  );
  expect(world.warnings).toEqual([expect.stringContaining('That address means the guest itself')]);
  expect(existsSync(world.app.store.layout.machine('dev').config)).toBe(true);
});
