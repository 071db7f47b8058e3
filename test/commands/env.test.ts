import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as config from '../../src/commands/config.js';
import * as env from '../../src/commands/env.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
  await addMachine(world, 'dev', { url: 'tcp://10.1.2.3:2376' });
});
afterEach(() => world.remove());

const variables = async (args: readonly string[], around = {}) =>
  JSON.parse((await runIn(world, env, ['--json', ...args], around)).stdout).variables;
const docker = () => ({
  DOCKER_TLS_VERIFY: '1',
  DOCKER_HOST: 'tcp://10.1.2.3:2376',
  DOCKER_CERT_PATH: world.app.store.layout.machine('dev').directory,
  DOCKER_MACHINE_NAME: 'dev',
});

test("env prints docker-machine's variables in its order, then the hint with the line that was typed", async () => {
  const { stdout, status } = await runIn(world, env, ['--shell', 'bash', 'dev']);
  expect(status).toBe(0);
  expect(stdout.split('\n').map((line) => line.replace(/=.*/, ''))).toEqual([
    'export DOCKER_TLS_VERIFY',
    'export DOCKER_HOST',
    'export DOCKER_CERT_PATH',
    'export DOCKER_MACHINE_NAME',
    '# Run this command to configure your shell: ',
    '# eval $(tmachine env --shell bash dev)',
    '',
  ]);
});

test('P36: env --json is one object with the variables, and null for what is to be taken back', async () => {
  expect(await variables(['dev'])).toEqual(docker());
  expect(await variables(['-u'])).toEqual(
    Object.fromEntries(Object.keys(docker()).map((name) => [name, null])),
  );
});

test('the shell is found out when none is named', async () => {
  expect((await runIn(world, env, ['dev'], { shell: 'fish' })).stdout).toContain('set -gx DOCKER_HOST');
});

test('on Windows docker-compose gets its variable, and env -u takes it back', async () => {
  const around = { platform: 'win32' as const };
  expect(await variables(['dev'], around)).toEqual({ ...docker(), COMPOSE_CONVERT_WINDOWS_PATHS: 'true' });
  expect(await variables(['-u'], around)).toMatchObject({ COMPOSE_CONVERT_WINDOWS_PATHS: null });
});

test('P05: a proxy variable is enough for the address to join NO_PROXY, in both cases of its name', async () => {
  expect(await variables(['dev'], { env: { HTTPS_PROXY: 'http://p:1' } })).toMatchObject({
    NO_PROXY: '10.1.2.3',
    TMACHINE_NO_PROXY: '10.1.2.3',
  });
  expect(
    await variables(['--no-proxy', 'dev'], { env: { NO_PROXY: 'a.example', no_proxy: 'b.example' } }),
  ).toMatchObject({ NO_PROXY: 'a.example,10.1.2.3', no_proxy: 'b.example,10.1.2.3' });
  expect(await variables(['dev'])).not.toHaveProperty('NO_PROXY');
});

test('P05: env -u takes back the address that env added and leaves the others', async () => {
  const after = { NO_PROXY: 'a.example,10.1.2.3', TMACHINE_NO_PROXY: '10.1.2.3' };
  expect(await variables(['-u'], { env: after })).toMatchObject({
    NO_PROXY: 'a.example',
    TMACHINE_NO_PROXY: null,
  });
  expect(await variables(['-u'], { env: { NO_PROXY: '10.1.2.3' } })).not.toHaveProperty('NO_PROXY');
});

test('a machine of which only the URL is known is not sent to restart or regenerate-certs, which it cannot', async () => {
  world.guest.engineAnswers = [{ ok: false, fault: 'port-closed', detail: 'refused' }];
  const { stderr } = await runIn(world, env, ['dev']);
  expect(stderr).toContain('look at the engine on the computer that it runs on');
  expect(stderr).not.toContain('restart');
});

test('P36: env -u with a name, and env of an unknown machine, print a statement that fails', async () => {
  const named = await runIn(world, env, ['-u', 'dev']);
  expect(named).toMatchObject({ stdout: 'false\n', status: 2 });
  expect(named.stderr).toBe('Error: Expected no machine name when the -u flag is present\n');
  expect(await runIn(world, env, ['nope'])).toMatchObject({ stdout: 'false\n', status: 1 });
});

test('env --json that fails prints nothing on stdout', async () => {
  expect(await runIn(world, env, ['--json', 'nope'])).toMatchObject({ stdout: '', status: 1 });
});

test('a shell that is not known gets the lines of a POSIX shell', async () => {
  expect((await runIn(world, env, ['--shell', 'rc', 'dev'])).stdout).toContain('export DOCKER_HOST=');
});

test('--swarm of a machine that is no master, of a swarm that is not up, and of one that is', async () => {
  expect((await runIn(world, env, ['--swarm', 'dev'])).stderr).toBe(
    'Error checking TLS connection: "dev" is not a swarm master. The --swarm flag is intended for use with swarm masters\n',
  );
  await addMachine(world, 'boss', {
    url: 'tcp://10.1.2.4:2376',
    swarm: { IsSwarm: true, Master: true, Host: 'tcp://0.0.0.0:3376' },
  });
  const up = [...world.guest.engineAnswers];
  world.guest.engineAnswers = [...up, { ok: false, fault: 'port-closed', detail: 'refused' }];
  expect((await runIn(world, env, ['--swarm', 'boss'])).stderr).toMatch(
    /^Error checking TLS connection: Connection to Swarm cannot be checked but the certs are valid\. Maybe swarm is not started\n/,
  );
  world.guest.engineAnswers = up;
  expect(await variables(['--swarm', 'boss'])).toMatchObject({ DOCKER_HOST: 'tcp://10.1.2.4:3376' });
  expect((await runIn(world, config, ['--swarm', 'boss'])).stdout).toMatch(/^-H=tcp:\/\/10\.1\.2\.4:3376$/m);
});
