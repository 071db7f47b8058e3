import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createEngineProbe } from '../../src/certs/check-endpoint.js';
import * as active from '../../src/commands/active.js';
import * as ls from '../../src/commands/ls.js';
import { openHost } from '../../src/host/open-host.js';
import { HeldClock } from '../support/fake-clock.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { startRaw } from '../support/tls-faults.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
});
afterEach(() => world.remove());

const names = async (args: readonly string[], env = {}) =>
  (await runIn(world, ls, ['-f', '{{.Name}}', ...args], { env })).stdout.split('\n').filter(Boolean);

async function addBroken(name: string): Promise<void> {
  await addMachine(world, name);
  const { config } = world.app.store.layout.machine(name);
  await writeFile(config, '{');
  await writeFile(`${config}.previous`, '{');
}

test('rows are sorted as people count, without regard to case', async () => {
  for (const name of ['b10', 'B9', 'a', 'b1']) await addMachine(world, name);
  expect(await names([])).toEqual(['a', 'b1', 'B9', 'b10']);
});

test('no machine: the header alone, and no line at all with -q', async () => {
  expect((await runIn(world, ls, [])).stdout).toMatch(
    /^NAME +ACTIVE +DRIVER +STATE +URL +SWARM +DOCKER +ERRORS\n$/,
  );
  expect((await runIn(world, ls, ['-q'])).stdout).toBe('');
});

test('P27: -q names every machine, broken ones too, and asks none', async () => {
  await addMachine(world, 'good');
  await addBroken('bad');
  expect((await runIn(world, ls, ['-q'])).stdout).toBe('bad\ngood\n');
  expect(world.guest.asked).toEqual([]);
});

test('filters: values of one key are alternatives, keys must all hold, a broken machine is never left out', async () => {
  await addMachine(world, 'web1', { engine: { Labels: ['env=prod', 'plain'] } });
  await addMachine(world, 'web2', { engine: { Labels: ['env=test'] } });
  await addMachine(world, 'db');
  expect(await names(['--filter', 'name=^web'])).toEqual(['web1', 'web2']);
  expect(await names(['--filter', 'name=^db', '--filter', 'name=1$'])).toEqual(['db', 'web1']);
  expect(await names(['--filter', 'label=env=PROD', '--filter', 'driver=NONE'])).toEqual(['web1']);
  expect(await names(['--filter', 'label=plain'])).toEqual(['web1']);
  expect(await names(['--filter', 'state=stopped'])).toEqual([]);
  await addBroken('bad');
  expect(await names(['--filter', 'name=^db'])).toEqual(['bad', 'db']);
  expect((await runIn(world, ls, ['-q', '--filter', 'state=running', '--filter', 'name=web'])).stdout).toBe(
    'bad\nweb1\nweb2\n',
  );
});

test.each([
  { word: 'name', says: 'Unsupported filter syntax\n' },
  { word: 'colour=red', says: "Unsupported filter key 'colour'\n" },
  { word: 'name=[', says: 'error parsing regexp: ' },
])('the filter $word is refused: $says', async ({ word, says }) => {
  const { stderr, status, stdout } = await runIn(world, ls, ['--filter', word]);
  expect(stderr.startsWith(says)).toBe(true);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
});

test('SWARM names the master of the same discovery, and filters by it', async () => {
  const swarm = { IsSwarm: true, Discovery: 'token://1' };
  await addMachine(world, 'boss', { swarm: { ...swarm, Master: true } });
  await addMachine(world, 'node', { swarm });
  await addMachine(world, 'alone');
  const { stdout } = await runIn(world, ls, ['-f', '{{.Name}}:{{.Swarm}}']);
  expect(stdout).toBe('alone:\nboss:boss (master)\nnode:boss\n');
  expect(await names(['--filter', 'swarm=BOSS'])).toEqual(['boss', 'node']);
});

test('ACTIVE marks the machine or the swarm that DOCKER_HOST names, and active prints it', async () => {
  await addMachine(world, 'dev', { url: 'tcp://10.0.0.1:2376' });
  await addMachine(world, 'boss', {
    url: 'tcp://10.0.0.2:2376',
    swarm: { Master: true, Host: 'tcp://0.0.0.0:3376' },
  });
  const format = ['-f', '{{.Name}} {{.Active}} {{.ActiveHost}} {{.ActiveSwarm}}'];
  const engine = { DOCKER_HOST: 'tcp://10.0.0.1:2376' };
  const swarm = { DOCKER_HOST: 'tcp://10.0.0.2:3376' };
  expect((await runIn(world, ls, format, { env: engine })).stdout).toBe(
    'boss - false false\ndev * true false\n',
  );
  expect((await runIn(world, ls, format, { env: swarm })).stdout).toBe(
    'boss * (swarm) false true\ndev - false false\n',
  );
  expect(await runIn(world, active, [], { env: engine })).toMatchObject({ stdout: 'dev\n', status: 0 });
  expect(await runIn(world, active, [], { env: swarm })).toMatchObject({ stdout: 'boss\n', status: 0 });
  const none = await runIn(world, active, []);
  expect(none).toMatchObject({ stdout: '', status: 1 });
  expect(none.stderr).toMatch(/^No active host found\n/);
  expect(await runIn(world, active, ['dev'])).toMatchObject({
    stderr: 'Error: Too many arguments given\n',
    status: 2,
  });
});

test('P36: --json has every machine with the documented keys, a broken one with its reason', async () => {
  await addMachine(world, 'dev');
  await addBroken('bad');
  const { machines } = JSON.parse((await runIn(world, ls, ['--json'])).stdout);
  expect(machines[1]).toEqual({
    name: 'dev',
    active: false,
    driver: 'none',
    state: 'Running',
    url: 'tcp://127.0.0.1:2376',
    swarm: '',
    docker: 'v26.1.5',
    error: '',
    certificateDaysLeft: null,
    responseMs: expect.any(Number),
  });
  expect(machines[0]).toMatchObject({ name: 'bad', state: 'Error', driver: 'not found' });
  expect(machines[0].error).not.toBe('');
});

test('P19: the days left of a certificate that ends soon stand in ERRORS and in --json', async () => {
  await addMachine(world, 'dev');
  const { certificates, store } = world.app;
  const authority = await certificates.createAuthority('tester');
  const served = await certificates.issueServer(authority, {
    organization: 'tester.dev',
    names: ['127.0.0.1'],
    alsoClient: false,
  });
  await store.writeFile(store.layout.machine('dev').serverCert, served.certificate, 0o600);
  const { notAfter } = certificates.describe(served.certificate);
  const clock = new HeldClock(notAfter - 5.5 * 86_400_000);
  const { stdout } = await runIn(world, ls, ['-f', '{{.Error}}'], { parts: { clock } });
  expect(stdout).toBe('certificate expires in 5 days: tmachine regenerate-certs dev\n');
});

test('P35: a machine that takes the connection and is silent is a Timeout row, and the others wait no longer than -t', async () => {
  const silent = await startRaw(() => undefined);
  const { clock } = openHost();
  await addMachine(world, 'good');
  await addMachine(world, 'hangs', { url: `tcp://127.0.0.1:${silent.port}` });
  const real = createEngineProbe(clock);
  const engine = {
    ping: real.ping,
    version: (target: Parameters<typeof real.version>[0], options: Parameters<typeof real.version>[1]) =>
      target.port === silent.port ? real.version(target, options) : world.guest.version(target),
  };
  const begun = clock.monotonic();
  const { stdout, status } = await runIn(
    world,
    ls,
    ['-t', '1', '-f', '{{.Name}}|{{.Active}}|{{.State}}|{{.URL}}|{{.DockerVersion}}|{{.Error}}'],
    {
      parts: { engine },
    },
  );
  await silent.close();
  expect({ stdout, status }).toEqual({
    stdout: 'good|-|Running|tcp://127.0.0.1:2376|v26.1.5|\nhangs||Timeout|||\n',
    status: 0,
  });
  expect(clock.monotonic() - begun).toBeLessThan(5000);
});

test('P35: -t 0 gives a Timeout row at once, and active says that it cannot tell', async () => {
  await addMachine(world, 'dev');
  const engine = { ping: world.guest.ping, version: () => new Promise<never>(() => undefined) };
  expect((await runIn(world, ls, ['-t', '0', '-f', '{{.State}}'], { parts: { engine } })).stdout).toBe(
    'Timeout\n',
  );
  const told = await runIn(world, active, ['-t', '0'], { parts: { engine } });
  expect(told.stderr).toMatch(/^Error getting active host: timeout\n/);
});

test('what it advises is typed with the name that the program was called by', async () => {
  await addMachine(world, 'broken');
  const elsewhere = {
    parts: {
      store: Object.create(world.app.store, {
        load: {
          value: async () => {
            throw new Error('see: tmachine ls');
          },
        },
      }),
    },
    programName: '/usr/bin/docker-machine',
  };
  expect((await runIn(world, ls, [], elsewhere)).stdout).toMatch(/see: docker-machine ls\n$/);
});

test.each([['-f', '{{.URL}} {{.Error}}'], ['--json'], []])(
  'the password in a URL is masked by ls %s %s, unless --show-secrets',
  async (...words) => {
    const args = words.filter((word) => word !== undefined);
    await addMachine(world, 'dev', { url: 'https://me:secret@127.0.0.1:1' });
    expect((await runIn(world, ls, args)).stdout).not.toContain('secret');
    expect((await runIn(world, ls, [...args, '--show-secrets'])).stdout).toContain('me:secret@');
  },
);
