import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { initialSettings } from '../../../src/core/actions/initial-settings.js';
import { type TestApp, testApp } from '../../support/test-app.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
  Object.assign(world.driver, {
    hostInGuest: () => ({ address: '10.0.2.2', reachesLoopback: true, networks: ['10.0.2.0/24'] }),
  });
});
afterEach(() => world.remove());

function settingsFor(request: { engineProxy?: string; caCert?: string }, env: readonly string[] = []) {
  const { settings, hostOptions } = world.request('dev');
  const EngineOptions = { ...hostOptions.EngineOptions, Env: env };
  return initialSettings(
    world.app,
    { driver: world.driver, settings, hostOptions: { ...hostOptions, EngineOptions } },
    { engineProxy: '', caCert: '', ...request },
    world.call,
  );
}

test('without the flags a new machine gets what docker-machine gives it, proxy variables of this computer or not', async () => {
  const { hostOptions, trusted } = await settingsFor({}, ['HTTP_PROXY=http://127.0.0.1:3128']);
  expect({ env: hostOptions.EngineOptions.Env, trusted }).toEqual({
    env: ['HTTP_PROXY=http://127.0.0.1:3128'],
    trusted: [],
  });
  expect(world.lines).toEqual([]);
});

test('P04: --engine-proxy of create is the proxy as the guest sees it, with NO_PROXY', async () => {
  const { hostOptions } = await settingsFor({ engineProxy: 'http://localhost:3128' }, ['A=b']);
  expect(hostOptions.EngineOptions.Env).toEqual([
    'A=b',
    'HTTP_PROXY=http://10.0.2.2:3128',
    'HTTPS_PROXY=http://10.0.2.2:3128',
    'NO_PROXY=localhost,127.0.0.1,10.0.2.0/24',
  ]);
  expect(world.lines).toEqual(['The proxy http://localhost:3128 is http://10.0.2.2:3128 for the guest.']);
});

test('P03: --ca-cert of create is for the guest too; one that has ended is a warning', async () => {
  const path = join(world.app.store.layout.root, 'corp.pem');
  await writeFile(path, (await world.app.certificates.createAuthority('Corp')).certificate);
  const { trusted } = await settingsFor({ caCert: path });
  expect(trusted).toEqual([{ name: 'corp', pem: expect.stringContaining('BEGIN CERTIFICATE') }]);
  world.clock.jump(2000 * 86_400_000);
  await settingsFor({ caCert: path });
  expect(world.warnings).toEqual([
    expect.stringMatching(/^A certificate in ".*corp\.pem" ended on \d{4}-\d\d-\d\d\.$/),
  ]);
});
