import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROGRAM, tmachineIn } from '../support/cli.js';
import { findDockerClient } from '../support/docker-client.js';
import { GUEST_IMAGE } from '../support/guest-image.js';
import { inTerminal } from '../support/pseudo-terminal.js';

const FLAGS = ['-d', 'qemu', '--qemu-boot2docker-url', GUEST_IMAGE];
const GREETING = /docker is configured to use the q machine with IP 127\.0\.0\.1\n/;
const DOCKER_VERSION = 'docker version --format "engine {{.Server.Version}} at $DOCKER_HOST"';

/** One machine; the tests build on each other, in this order. */
describe('the Quickstart Terminal on QEMU', () => {
  let directory: string;
  let store: string;
  let env: Record<string, string>;
  let tmachine: ReturnType<typeof tmachineIn>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "tm quick O'Neil "));
    store = join(directory, 'store');
    env = {
      HOME: directory,
      SHELL: '/bin/bash',
      PATH: `${dirname(findDockerClient())}${delimiter}${process.env['PATH'] ?? ''}`,
      DOCKER_CONFIG: join(directory, 'docker'),
    };
    tmachine = tmachineIn(store, env);
  });

  afterAll(async () => {
    await tmachine(['rm', '-f', 'q']);
    await rm(directory, { recursive: true, force: true });
  });

  test('makes the machine, runs the command with it, and ends with its exit code', async () => {
    const command = ['sh', '-c', `${DOCKER_VERSION} && exit 7`];
    const outcome = await tmachine(['quickstart', ...FLAGS, 'q', '--', ...command], { timeoutMs: 600_000 });
    expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status: 7, stderr: '' });
    expect(outcome.stdout).toMatch(/^Docker is up and running!$/m);
    expect(outcome.stdout).toMatch(GREETING);
    expect(outcome.stdout).toMatch(/\nStart shell with command\nengine \d\S+ at tcp:\/\/127\.0\.0\.1:\d+\n$/);
  });

  test("opens the user's own shell on its terminal; Ctrl-C there is not the end of it; its exit code is ours", async () => {
    expect((await tmachine(['stop', 'q'], { timeoutMs: 120_000 })).status).toBe(0);
    const session = inTerminal(process.execPath, [PROGRAM, '-s', store, 'quickstart', 'q'], env);
    await session.expect('Start interactive shell', 300_000);
    session.type("PS1='prom''pt> '\r");
    await session.expect('prompt> ');
    session.type(`sh -c 'echo started $((40 + 2)); exec sleep 300'\r`);
    await session.expect('started 42');
    session.type('\x03');
    // The terminal forgets what was typed before a Ctrl-C: what follows waits for the shell to be back.
    await session.expect('prompt> ');
    session.type(`${DOCKER_VERSION}\r`);
    await session.expect(/engine \d\S+ at tcp:\/\/127\.0\.0\.1:\d+/);
    session.type('echo "[$NO_PROXY] [$DOCKER_MACHINE_NAME] $0"; exit 5\r');
    await session.expect(/\[127\.0\.0\.1\] \[q\] \S*bash/);
    expect(await session.ended()).toBe(5);
  });

  test('Ctrl-C is the business of the command that has the terminal', async () => {
    const command = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.2; done';
    const args = [PROGRAM, '-s', store, 'quickstart', 'q', '--', 'sh', '-c', command];
    const session = inTerminal(process.execPath, args, env);
    await session.expect('\nready');
    session.type('\x03');
    await session.expect('caught');
    expect(await session.ended()).toBe(9);
  });

  test('a virtual machine that is gone is made anew', async () => {
    expect((await tmachine(['kill', 'q'], { timeoutMs: 120_000 })).status).toBe(0);
    await rm(join(store, 'machines', 'q', 'disk.qcow2'));
    const outcome = await tmachine(['quickstart', 'q', '--', 'sh', '-c', DOCKER_VERSION], {
      timeoutMs: 600_000,
    });
    expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status: 0, stderr: '' });
    expect(outcome.stdout).toContain('The virtual machine of "q" is gone: making it anew...\n');
    expect(outcome.stdout).toMatch(/\nengine \d\S+ at /);
  });

  test('a failure names its step', async () => {
    const refused = await tmachine([
      'quickstart',
      '-d',
      'qemu',
      '--qemu-boot2docker-url',
      '/none.iso',
      'other',
    ]);
    expect(refused.status).toBe(3);
    expect(refused.stderr).toMatch(
      /^Error with pre-create check: [\s\S]+\nLooks like something went wrong in step ´Checking if machine other exists´\.\.\.\n$/,
    );
  });
});
