import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { setEngine } from '../../../src/core/actions/engine-settings.js';
import { startMachine, stopMachine } from '../../../src/core/actions/power.js';
import { removeMachine } from '../../../src/core/actions/remove.js';
import type { App } from '../../../src/core/app.js';
import { type EngineChange, NO_CHANGE } from '../../../src/core/engine-change.js';
import { type TestApp, testApp } from '../../support/test-app.js';

let world: TestApp;
let app: App;
let file: string;

beforeEach(async () => {
  world = await testApp({ oneStep: false });
  const folder = join(world.app.store.layout.root, 'docker');
  await mkdir(folder);
  file = join(folder, 'config.json');
  app = { ...world.app, facts: { ...world.app.facts, env: { DOCKER_CONFIG: folder } } };
  await createMachine(app, world.request('dev'), world.call);
  world.lines.length = 0;
});
afterEach(() => world.remove());

const set = (change: Partial<EngineChange>, client?: 'write' | 'remove') =>
  setEngine(app, 'dev', () => ({ ...NO_CHANGE, ...change }), world.call, client);
const entries = () => JSON.parse(readFileSync(file, 'utf8')).proxies;
const host = async () => `tcp://127.0.0.1:${(await app.store.load('dev')).driver['EnginePort']}`;

describe('P03: proxies for docker build and docker run', () => {
  test('are written on request only, for this engine alone, readable by nobody else, and then kept in step', async () => {
    await set({ httpProxy: 'http://a.example:1' });
    expect(existsSync(file)).toBe(false);
    await set({}, 'write');
    expect(entries()).toEqual({
      [await host()]: { httpProxy: 'http://a.example:1', noProxy: 'localhost,127.0.0.1' },
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await set({ httpProxy: 'http://b.example:2' });
    expect(entries()).toMatchObject({ [await host()]: { httpProxy: 'http://b.example:2' } });
    await set({}, 'write');
    expect(world.lines.at(-1)).toBe('Nothing to change in "dev".');
  });

  test('follow the engine to another port', async () => {
    await set({ httpProxy: 'http://a.example:1' }, 'write');
    const before = await host();
    await stopMachine(app, 'dev', world.call);
    const record = await app.store.load('dev');
    await app.store.save({ ...record, driver: { ...record.driver, SSHPort: 0 } });
    await startMachine(app, 'dev', world.call);
    expect(await host()).not.toBe(before);
    expect(Object.keys(entries())).toEqual([await host()]);
  });

  test('go with --unset, and with the machine', async () => {
    await writeFile(file, '{"proxies":{"default":{"httpProxy":"http://mine"}}}');
    await set({ httpProxy: 'http://a.example:1' }, 'write');
    await set({}, 'remove');
    expect(entries()).toEqual({ default: { httpProxy: 'http://mine' } });
    await set({}, 'write');
    await removeMachine(app, 'dev', { force: false }, world.call);
    expect(entries()).toEqual({ default: { httpProxy: 'http://mine' } });
  });

  test.each([
    ['is as before', '{\n    "auths": {},\n    "credsStore": "desktop"\n}\n'],
    ['is gone when there was none', undefined],
  ])('with --unset the file %s', async (_, text) => {
    if (text !== undefined) await writeFile(file, text);
    await set({ httpProxy: 'http://a.example:1' }, 'write');
    await set({}, 'remove');
    expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(text);
  });

  test('asked for without a proxy, and taken back where there is none, each says so', async () => {
    await set({}, 'remove');
    await set({}, 'write');
    await set({}, 'remove');
    expect(world.lines).toEqual([
      '(dev) docker-config: was not set',
      'Nothing to change in "dev".',
      `(dev) docker build and docker run get its proxies when it has some: ${file}`,
      `(dev) docker build and docker run are left alone from now on: ${file}`,
    ]);
    expect(existsSync(file)).toBe(false);
  });

  test('a file that is no JSON is refused by set, and no obstacle for rm', async () => {
    await set({ httpProxy: 'http://a.example:1' }, 'write');
    await writeFile(file, 'mine');
    await expect(set({ httpProxy: 'http://b.example:1' })).rejects.toThrow('is no JSON object');
    await removeMachine(app, 'dev', { force: false }, world.call);
    expect(world.warnings.at(-1)).toContain('its entry for "dev" stays there');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});
