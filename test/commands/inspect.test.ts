import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as inspect from '../../src/commands/inspect.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
  await addMachine(world, 'dev', {
    url: 'tcp://10.0.0.1:2376',
    engine: { Env: ['HTTPS_PROXY=http://me:secret@proxy.example:8080'], Labels: ['a=1', 'b=<2>'] },
  });
});
afterEach(() => world.remove());

const inspected = async (format: string, ...more: string[]) =>
  (await runIn(world, inspect, ['-f', format, ...more, 'dev'])).stdout;

test.each([
  { format: '{{.Driver.URL}}', prints: 'tcp://10.0.0.1:2376\n' },
  { format: '{{.HostOptions.EngineOptions.TlsVerify}} {{.ConfigVersion}}', prints: 'true 3\n' },
  { format: '{{json .HostOptions.EngineOptions.Labels}}', prints: '["a=1","b=\\u003c2\\u003e"]\n' },
  { format: '{{.HostOptions.EngineOptions.Labels}}', prints: '[a=1 b=<2>]\n' },
  { format: '{{.Nope}}', prints: '<no value>\n' },
  { format: 'no template', prints: 'no template\n' },
])('-f $format prints $prints', async ({ format, prints }) => {
  expect(await inspected(format)).toBe(prints);
});

test('a template that does not end is refused in the words of docker-machine', async () => {
  const { stdout, stderr, status } = await runIn(world, inspect, ['-f', '{{.Name', 'dev']);
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
  expect(stderr).toMatch(/^template parsing error: template: :1: unclosed action\n/);
});

test('the password of every URL is masked: of the engine, of images, registries and the install script', async () => {
  const at = 'https://me:secret@site.example';
  await addMachine(world, 'many', {
    url: 'tcp://me:secret@10.0.0.1:2376',
    engine: {
      InsecureRegistry: [at],
      RegistryMirror: [at],
      InstallURL: `${at}/install`,
      ArbitraryFlags: [`x=${at}`],
    },
  });
  const { stdout } = await runIn(world, inspect, ['many']);
  expect(stdout.match(/\*\*\*@/g)).toHaveLength(5);
  expect(stdout).not.toContain('secret');
  expect((await runIn(world, inspect, ['--show-secrets', 'many'])).stdout.match(/me:secret@/g)).toHaveLength(
    5,
  );
});

test('the password of a proxy is masked, in templates too, unless --show-secrets', async () => {
  expect((await runIn(world, inspect, ['dev'])).stdout).not.toContain('secret');
  expect(await inspected('{{.HostOptions.EngineOptions.Env}}')).not.toContain('secret');
  expect(await inspected('{{.HostOptions.EngineOptions.Env}}', '--show-secrets')).toContain(
    'http://me:secret@proxy.example:8080',
  );
  expect((await world.app.store.load('dev')).hostOptions.EngineOptions.Env?.[0]).toContain('secret');
});

test('without a format it is the stored JSON with four spaces, which --json is too, whatever the format says', async () => {
  const plain = await runIn(world, inspect, ['dev']);
  expect(plain.stdout).toMatch(/^\{\n {4}"ConfigVersion": 3,\n/);
  expect((await runIn(world, inspect, ['--json', '-f', '{{.Name}}', 'dev'])).stdout).toBe(plain.stdout);
});
