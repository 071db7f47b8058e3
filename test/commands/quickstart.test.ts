import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as quickstart from '../../src/commands/quickstart.js';
import { ToolError } from '../../src/core/errors.js';
import { FakeDriver } from '../support/fake-driver.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

const PROXY = { HTTP_PROXY: 'http://proxy.corp:8080', ALL_PROXY: 'http://proxy.corp:8080' };

describe('quickstart', () => {
  let world: TestApp;

  beforeEach(async () => {
    world = await testApp();
  });

  afterEach(() => world.remove());

  const certPath = (name: string) => world.app.store.layout.machine(name).directory;

  test('runs a command with the environment of the machine, and its exit code is ours', async () => {
    await addMachine(world, 'dev', { url: 'tcp://192.0.2.7:2376' });
    const { lent, status, stdout } = await runIn(
      world,
      quickstart,
      ['dev', '--', 'docker', 'run', '--rm', '--', 'hello'],
      { exitCode: 42, env: { SHELL: '/bin/zsh' } },
    );
    expect(status).toBe(42);
    expect(stdout).toBe('dev 192.0.2.7\nStart shell with command\n');
    expect(lent).toEqual([
      {
        file: 'docker',
        args: ['run', '--rm', '--', 'hello'],
        changes: [
          { name: 'DOCKER_TLS_VERIFY', value: '1' },
          { name: 'DOCKER_HOST', value: 'tcp://192.0.2.7:2376' },
          { name: 'DOCKER_CERT_PATH', value: certPath('dev') },
          { name: 'DOCKER_MACHINE_NAME', value: 'dev' },
          { name: 'NO_PROXY', value: '192.0.2.7' },
          { name: 'TMACHINE_NO_PROXY', value: '192.0.2.7' },
        ],
      },
    ]);
  });

  test('without a command it opens the shell of the user, on the machine that DOCKER_MACHINE_NAME names', async () => {
    await addMachine(world, 'other');
    const env = { SHELL: '/usr/bin/fish', DOCKER_MACHINE_NAME: 'other' };
    const { lent, stdout } = await runIn(world, quickstart, [], { env, shell: 'fish' });
    expect(stdout).toBe('other 127.0.0.1\nStart interactive shell\n');
    expect(lent).toMatchObject([{ file: '/usr/bin/fish', args: [] }]);
  });

  test('a command without a name is for the default machine', async () => {
    await addMachine(world, 'default');
    const { lent, stdout } = await runIn(world, quickstart, ['--', 'true']);
    expect(stdout).toMatch(/^default /);
    expect(lent).toMatchObject([{ file: 'true', args: [] }]);
  });

  test('P05: the address of the machine joins NO_PROXY; a proxy for everything that is no SOCKS proxy is taken away', async () => {
    await addMachine(world, 'default');
    const { lent } = await runIn(world, quickstart, ['--', 'true'], {
      env: { ...PROXY, NO_PROXY: 'intra.corp' },
    });
    expect(lent[0]?.changes).toEqual(
      expect.arrayContaining([
        { name: 'NO_PROXY', value: 'intra.corp,127.0.0.1' },
        { name: 'ALL_PROXY', value: undefined },
      ]),
    );
    const socks = await runIn(world, quickstart, ['--', 'true'], { env: { ALL_PROXY: 'socks5://p:1080' } });
    expect(socks.lent[0]?.changes.map(({ name }) => name)).not.toContain('ALL_PROXY');
  });

  test('a failure is told with the step of start.sh in which it happened, and with its own exit code', async () => {
    const finding = {
      severity: 'refuse',
      code: 'NO_HYPERVISOR',
      message: 'no hypervisor',
      nextSteps: ['install one'],
    } as const;
    const refusing = Object.assign(new FakeDriver({ name: 'none', findings: [finding] }), {
      parseOptions: () => ({ config: {}, extra: {} }),
    });
    const parts = { driver: () => refusing };
    const { stderr, status, lent } = await runIn(world, quickstart, ['new'], { parts });
    expect({ status, lent }).toEqual({ status: 3, lent: [] });
    expect(stderr).toBe(
      [
        'Error with pre-create check: "no hypervisor"',
        '  Next  install one',
        'Looks like something went wrong in step ´Checking if machine new exists´...',
        '',
      ].join('\n'),
    );
  });

  test('a command that is not there is a failure of the last step', async () => {
    await addMachine(world, 'default');
    const { stderr, status } = await runIn(world, quickstart, ['--', 'nothing'], {
      lendError: new ToolError({ file: 'nothing', args: [], status: undefined, stderr: '' }),
    });
    expect(status).toBe(1);
    expect(stderr).toContain('in step ´Finalize´...');
  });

  test('more names than one, and names that no machine can have, are refused without a step', async () => {
    const two = await runIn(world, quickstart, ['a', 'docker', 'version']);
    expect({ status: two.status, lines: two.lines }).toEqual({ status: 2, lines: [] });
    expect(two.stderr).toBe(
      'Invalid command line. Found extra arguments [docker version]\n  Next  a command stands behind two dashes: tmachine quickstart a -- COMMAND\n',
    );
    expect((await runIn(world, quickstart, ["o'neil"])).status).toBe(2);
  });
});

test('the whale and its lines are those of the setup log, byte for byte', () => {
  const template = readFileSync('templates/whale', 'utf8');
  const log = readFileSync('test/fixtures/windows-setup-log/run-3.txt', 'utf8');
  const shown = template
    .replace('{{name}}', 'default')
    .replace('{{address}}', '192.168.99.100')
    .replace('{{next}}', 'Start interactive shell');
  const [, afterCreate = ''] = log.split('docker-machine.exe env default\n');
  expect(afterCreate.startsWith(shown)).toBe(true);
});
