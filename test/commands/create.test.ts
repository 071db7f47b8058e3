import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as create from '../../src/commands/create.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
});
afterEach(() => world.remove());

const none = ['-d', 'none', '--url', 'tcp://127.0.0.1:2376'];

test('certificate paths are stored absolute, as the shell of the user meant them: later commands run elsewhere', async () => {
  const folder = join(world.app.store.layout.root, 'mine');
  const flags = ['ca-cert', 'ca-key', 'client-cert', 'client-key'];
  const paths = flags.flatMap((flag) => [
    `--tls-${flag}`,
    relative(process.cwd(), join(folder, `${flag}.pem`)),
  ]);
  expect(await runIn(world, create, [...none, ...paths, 'dev'])).toMatchObject({ status: 0, stderr: '' });
  const { AuthOptions } = (await world.app.store.load('dev')).hostOptions;
  const { CaCertPath, CaPrivateKeyPath, ClientCertPath, ClientKeyPath } = AuthOptions;
  expect([CaCertPath, CaPrivateKeyPath, ClientCertPath, ClientKeyPath]).toEqual(
    flags.map((flag) => join(folder, `${flag}.pem`)),
  );
});

test.each(['nonsense', '10.0.0.1:2376', 'tcp://'])(
  '--url %s is refused, exit 2, and nothing is stored',
  async (url) => {
    const { status, stderr } = await runIn(world, create, ['-d', 'none', '--url', url, 'dev']);
    expect(status).toBe(2);
    expect(stderr).toContain(`--url "${url}" is no URL\n  Next  begin it with the kind of connection`);
    expect(await world.app.store.list()).toEqual([]);
  },
);

test.each<[string, string[], Record<string, string>, string]>([
  ['flag', ['--engine-registry-mirror', 'mirror:5000'], {}, '"mirror:5000" of --engine-registry-mirror'],
  ['variable', [], { ENGINE_REGISTRY_MIRROR: 'http://a/?b' }, '"http://a/?b" of ENGINE_REGISTRY_MIRROR'],
  ['registry', ['--engine-insecure-registry', 'svn://a'], {}, '"svn://a" of --engine-insecure-registry'],
])(
  'P06: a %s with which the engine would not start is refused by its name, and nothing is stored',
  async (_, flags, env, said) => {
    const { status, stderr } = await runIn(world, create, [...none, ...flags, 'dev'], { env });
    expect(status).toBe(2);
    expect(stderr).toContain(`The value ${said} cannot be used`);
    expect(await world.app.store.list()).toEqual([]);
  },
);

test('mirrors are stored without the slash at their end, each once', async () => {
  const mirrors = ['http://m.example/', 'http://m.example'].flatMap((url) => [
    '--engine-registry-mirror',
    url,
  ]);
  await runIn(world, create, [...none, ...mirrors, 'dev']);
  const { EngineOptions } = (await world.app.store.load('dev')).hostOptions;
  expect(EngineOptions.RegistryMirror).toEqual(['http://m.example']);
});
