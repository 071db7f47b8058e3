import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../src/certs/authority.js';
import { createEngineProbe } from '../../src/certs/check-endpoint.js';
import * as status from '../../src/commands/status.js';
import * as version from '../../src/commands/version.js';
import { createMachine } from '../../src/core/actions/create.js';
import { openHost } from '../../src/host/open-host.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { engine, startEngine } from '../support/tls-faults.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp({ oneStep: false });
  await addMachine(world, 'dev');
});
afterEach(() => world.remove());

test("version is the program's own, version NAME the engine's", async () => {
  expect((await runIn(world, version, [])).stdout).toMatch(/^tmachine version \d+\.\d+\.\d+, build \w+\n$/);
  expect((await runIn(world, version, ['dev'])).stdout).toBe('26.1.5\n');
  expect(JSON.parse((await runIn(world, version, ['--json', 'dev'])).stdout)).toEqual({
    name: 'dev',
    engine: '26.1.5',
  });
});

test('version of an engine that does not answer begins as in docker-machine', async () => {
  world.guest.engineAnswers = [{ ok: false, fault: 'port-closed', detail: 'connection refused' }];
  const { stdout, stderr, status: code } = await runIn(world, version, ['dev']);
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
  expect(stderr).toMatch(/^Unable to query docker version: connection refused\n/);
});

test("status is one word; a machine whose VM is gone is an error in docker-machine's words", async () => {
  await createMachine(world.app, world.request('vm'), world.newCall().call);
  expect((await runIn(world, status, ['vm'])).stdout).toBe('Running\n');
  const { directory } = world.app.store.layout.machine('vm');
  world.driver.setState(directory, 'stopped');
  expect((await runIn(world, status, ['vm'])).stdout).toBe('Stopped\n');
  world.driver.deleteVm(directory);
  const gone = await runIn(world, status, ['vm']);
  expect(gone).toMatchObject({ stdout: '', status: 1 });
  expect(gone.stderr).toMatch(/^error getting state for host vm: machine does not exist\n/);
});

test('P40: an engine that refuses old API versions is asked without one, over TLS', async () => {
  const { certificates, store } = world.app;
  const { AuthOptions } = (await store.load('dev')).hostOptions;
  const authority = {
    certificate: await readFile(AuthOptions.CaCertPath, 'utf8'),
    key: await readFile(AuthOptions.CaPrivateKeyPath, 'utf8'),
  };
  const { clock, random } = openHost();
  const today = createCertificateAuthority({ clock, random });
  const server = await today.issueServer(authority, {
    organization: 'tester',
    names: ['127.0.0.1'],
    alsoClient: false,
  });
  expect(certificates.isIssuedBy(server.certificate, authority.certificate)).toBe(true);
  const listener = await startEngine(server, authority.certificate, (request, response) => {
    if (/^\/v\d/.test(request.url ?? '')) response.writeHead(400).end('client version is too old');
    else engine(request, response);
  });
  try {
    await addMachine(world, 'real', { url: `tcp://127.0.0.1:${listener.port}` });
    const around = { parts: { engine: createEngineProbe(clock) } };
    expect((await runIn(world, version, ['real'], around)).stdout).toBe('26.1.5\n');
  } finally {
    await listener.close();
  }
});
