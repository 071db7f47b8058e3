import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as set from '../../src/commands/set.js';
import { createMachine } from '../../src/core/actions/create.js';
import type { ProxyChoice } from '../../src/core/proxy.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp({ oneStep: false });
  Object.assign(world.driver, {
    hostInGuest: () => ({ address: '10.0.2.2', reachesLoopback: true, networks: ['10.0.2.0/24'] }),
  });
  await createMachine(world.app, world.request('dev'), world.call);
});
afterEach(() => world.remove());

const engine = async () => (await world.app.store.load('dev')).hostOptions.EngineOptions;
const choosing = (choice: ProxyChoice) => ({ proxies: { resolve: async () => choice } });

test('P04: a proxy on the loopback of this computer becomes the one that the guest sees, and that is said once', async () => {
  const { lines, status } = await runIn(world, set, [
    'dev',
    '--http-proxy',
    'http://127.0.0.1:3128',
    '--https-proxy',
    'http://127.0.0.1:3128',
    '--no-proxy',
    '.corp.example',
  ]);
  expect(status).toBe(0);
  expect(lines.slice(0, 4)).toEqual([
    'The proxy http://127.0.0.1:3128 is http://10.0.2.2:3128 for the guest.',
    '(dev) variable HTTP_PROXY: http://10.0.2.2:3128',
    '(dev) variable HTTPS_PROXY: http://10.0.2.2:3128',
    '(dev) variable NO_PROXY: .corp.example,localhost,127.0.0.1,10.0.2.0/24',
  ]);
});

test('--engine-proxy auto takes the proxy of this computer and says where it came from; none takes all away', async () => {
  const around = {
    parts: choosing({
      proxy: 'http://u:secret@proxy.example:8080',
      from: 'HTTPS_PROXY',
      exceptions: ['.corp.example'],
    }),
  };
  const auto = await runIn(world, set, ['--engine-proxy', 'auto', 'dev'], around);
  expect(auto.lines[0]).toBe(
    'The engine gets the proxy of this computer: http://u:***@proxy.example:8080 (HTTPS_PROXY).',
  );
  expect((await engine()).Env).toEqual([
    'HTTP_PROXY=http://u:secret@proxy.example:8080',
    'HTTPS_PROXY=http://u:secret@proxy.example:8080',
    'NO_PROXY=.corp.example,localhost,127.0.0.1,10.0.2.0/24',
  ]);
  await runIn(world, set, ['--engine-proxy', 'none', 'dev']);
  expect((await engine()).Env).toEqual([]);
});

test("P04: --engine-proxy auto brings the system's exceptions as NO_PROXY, and says which have no form there", async () => {
  const parts = choosing({
    proxy: 'http://proxy.example:8080',
    from: 'system settings',
    where: 'Windows Internet Options',
    exceptions: ['*.corp.example', '10.*', '<local>'],
  });
  const { lines } = await runIn(world, set, ['--engine-proxy', 'auto', 'dev'], { parts });
  expect(lines.slice(0, 2)).toEqual([
    'The engine gets the proxy of this computer: http://proxy.example:8080 (system settings: Windows Internet Options).',
    'NO_PROXY has no form for some exceptions of this computer; if the engine needs their hosts, name them: <local>',
  ]);
  expect((await engine()).Env).toContain('NO_PROXY=.corp.example,10.0.0.0/8,localhost,127.0.0.1,10.0.2.0/24');
});

test('--engine-proxy auto on a computer without one says so', async () => {
  const { lines } = await runIn(world, set, ['--engine-proxy', 'auto', 'dev']);
  expect(lines).toEqual([
    'This computer uses no proxy (no proxy set): the engine gets none.',
    'Nothing to change in "dev".',
  ]);
});

test('a flag for one kind of URL counts before --engine-proxy', async () => {
  await runIn(world, set, ['dev', '--engine-proxy', 'http://a.example:1', '--https-proxy', 'none']);
  expect((await engine()).Env).toEqual([
    'HTTP_PROXY=http://a.example:1',
    'NO_PROXY=localhost,127.0.0.1,10.0.2.0/24',
  ]);
});

test('P03: a certificate file is read, its name is kept, and --unset takes it away', async () => {
  const pem = (await world.app.certificates.createAuthority('Corp')).certificate;
  const file = join(world.app.store.layout.root, 'Corp Root.pem');
  await writeFile(file, pem);
  expect((await runIn(world, set, ['dev', '--ca-cert', file])).lines[0]).toBe(
    '(dev) certificate Corp-Root: added',
  );
  expect(world.guest.files.get('/var/lib/boot2docker/certs/tmachine-Corp-Root.pem')?.content).toBe(
    `${pem.trim()}\n`,
  );
  expect((await runIn(world, set, ['dev', '--unset', 'ca-cert=Corp-Root'])).lines[0]).toBe(
    '(dev) certificate Corp-Root: removed',
  );
});

test('--docker-config writes the entry of the docker client, --unset docker-config takes it away', async () => {
  const around = { env: { DOCKER_CONFIG: join(world.app.store.layout.root, 'docker') } };
  const path = join(world.app.store.layout.root, 'docker', 'config.json');
  const written = await runIn(
    world,
    set,
    ['dev', '--http-proxy', 'http://p.example:1', '--docker-config'],
    around,
  );
  expect(written.lines).toContain(`(dev) docker build and docker run get the same proxies: ${path}`);
  const taken = await runIn(world, set, ['dev', '--unset', 'docker-config'], around);
  expect(taken.lines).toEqual([`(dev) docker build and docker run get no proxy any more: ${path}`]);
});

test('MACHINE_CA_CERT is for downloads: it changes no machine by itself', async () => {
  const around = { env: { MACHINE_CA_CERT: '/nowhere/ca.pem' } };
  expect((await runIn(world, set, ['dev', '--engine-env', 'A=1'], around)).status).toBe(0);
});

test.each([
  [['dev'], 'Error: No setting named', 2],
  [['dev', '--http-proxy', 'ftp://x'], 'The proxy "ftp://x" of --http-proxy cannot be used', 2],
  [['dev', '--engine-proxy', ''], '--engine-proxy has no value', 2],
  [['dev', '--unset', 'memory'], '--unset memory is not known', 2],
  [['dev', '--ca-cert', '/nowhere/ca.pem'], 'The file "/nowhere/ca.pem" of --ca-cert cannot be used', 2],
  [['nope', '--http-proxy', 'http://x'], 'Docker machine "nope" does not exist', 1],
  [['a', 'b', '--http-proxy', 'http://x'], 'Error: Expected one machine name as an argument', 2],
])('set %j is refused: %s', async (args, message, status) => {
  const outcome = await runIn(world, set, args);
  expect(outcome.stderr).toContain(message);
  expect(outcome.status).toBe(status);
});

test('an engine that is only known by its address cannot be set', async () => {
  await addMachine(world, 'far');
  const { stderr, status } = await runIn(world, set, ['far', '--http-proxy', 'http://x']);
  expect({ stderr, status }).toMatchObject({
    stderr: expect.stringContaining('The engine of "far" cannot be set up from here'),
    status: 1,
  });
});
