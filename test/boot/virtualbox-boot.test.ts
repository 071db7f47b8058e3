import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Outcome } from '../support/cli.js';
import { describeHere } from '../support/describe-here.js';
import { findDockerClient } from '../support/docker-client.js';
import { STOCK_IMAGE } from '../support/guest-image.js';
import { noVirtualBoxLab, VirtualBoxLab } from '../support/virtualbox-lab.js';

const TAG = 'v28.5.2';
/** Not a loopback address, for those never go through a proxy. */
const SERVER = '198.51.100.10';
const PROXY_PORT = 3128;
const HOUR = 3600_000;

/** When each line of a run came, in seconds from its start. */
function stopwatch(): { readonly lines: string[]; readonly see: (all: string) => void } {
  const begun = performance.now();
  const lines: string[] = [];
  return {
    lines,
    see: (all) => {
      for (const line of all.split('\n').slice(lines.length, -1)) {
        lines.push(`${((performance.now() - begun) / 1000).toFixed(0).padStart(6)} s  ${line}`);
      }
    },
  };
}

describeHere('the whole story on a real VirtualBox', noVirtualBoxLab(), () => {
  let lab: VirtualBoxLab;
  const helpers: ChildProcess[] = [];

  beforeEach(async () => {
    lab = await VirtualBoxLab.open();
    await lab.run('ip', ['address', 'add', `${SERVER}/32`, 'dev', 'lo']);
  });

  afterEach(async () => {
    for (const helper of helpers.splice(0)) helper.kill('SIGKILL');
    await lab?.close();
  });

  /** A program that serves until the end of the test. Resolves, when it says that it is ready, to all that it has said. */
  async function serve(file: string, args: readonly string[], isReady: RegExp): Promise<() => string> {
    const child = spawn('nsenter', [...lab.entry, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    helpers.push(child);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (text) => {
          said += text;
          if (isReady.test(said)) resolve();
        });
      }
      child.on('error', reject);
      child.on('exit', () => reject(new Error(`${file} ended: ${said}`)));
    });
    return () => said;
  }

  async function startSquid(): Promise<() => Promise<string>> {
    const directory = join(lab.directory, 'squid');
    mkdirSync(directory);
    // squid, started by root, becomes a user of its own, who has to write here.
    chmodSync(directory, 0o777);
    chmodSync(lab.directory, 0o755);
    const configuration = [
      `http_port 127.0.0.1:${PROXY_PORT}`,
      'pid_filename none',
      `access_log stdio:${join(directory, 'access.log')}`,
      `cache_log ${join(directory, 'cache.log')}`,
      `coredump_dir ${directory}`,
      'cache_store_log none',
      'cache deny all',
      'max_filedescriptors 1024',
      'pinger_enable off',
      'http_access allow all',
    ];
    const file = join(directory, 'squid.conf');
    writeFileSync(file, `${configuration.join('\n')}\n`);
    await serve('squid', ['-N', '-n', lab.name, '-d', '1', '-f', file], /Accepting HTTP Socket connections/);
    return () => lab.read('squid/access.log');
  }

  function settingsOf(text: string): Record<string, string> {
    return Object.fromEntries(
      [...text.matchAll(/^export (\w+)="(.*)"$/gm)].map(([, key, value]) => [key, value]),
    );
  }

  async function timed(report: string[], label: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const begun = performance.now();
    const outcome = await run();
    report.push(
      `${((performance.now() - begun) / 1000).toFixed(0).padStart(6)} s  ${label} (exit code ${outcome.status})`,
    );
    return outcome;
  }

  test.each([
    ['host-only', []],
    ['NAT', ['--virtualbox-network', 'nat']],
  ])('create, env and docker version over %s', async (network, flags) => {
    const server = join(dirname(fileURLToPath(import.meta.url)), 'release-server.mjs');
    const requests = await serve(process.execPath, [server, SERVER, '8080', TAG, STOCK_IMAGE], /ready/);
    const proxied = await startSquid();
    mkdirSync(join(lab.directory, 'shared'));
    writeFileSync(join(lab.directory, 'shared', 'marker'), 'read in the guest\n');

    const watch = stopwatch();
    const created = await lab.tmachine(
      [
        'create',
        '--virtualbox-no-vtx-check',
        '--virtualbox-boot2docker-url',
        `http://${SERVER}:8080/repos/boot2docker/boot2docker/releases`,
        '--virtualbox-share-folder',
        `${join(lab.directory, 'shared')}:hosthome`,
        ...flags,
        'default',
      ],
      { timeoutMs: 2 * HOUR, env: { HTTP_PROXY: `http://127.0.0.1:${PROXY_PORT}` }, onStdout: watch.see },
    );
    const report = watch.lines;
    console.log(`${network}: create\n${report.join('\n')}\n${created.stderr}`);
    expect({ status: created.status, stderr: created.stderr }).toEqual({
      status: 0,
      stderr: expect.any(String),
    });
    expect(created.stdout).toContain('Docker is up and running!');

    // Both halves of the image came through the proxy, the second as a continuation.
    expect(requests()).toMatch(/GET .*boot2docker\.iso bytes=\d+-/);
    expect(await proxied()).toMatch(/TCP_\w+\/206 .*boot2docker\.iso/);

    const steps: string[] = [];
    const env = await timed(steps, 'env default', () => lab.tmachine(['env', '--shell', 'sh', 'default']));
    expect(env).toMatchObject({ status: 0, stderr: '' });
    const settings = settingsOf(env.stdout);
    expect(settings['DOCKER_HOST']).toMatch(
      network === 'NAT' ? /^tcp:\/\/127\.0\.0\.1:\d+$/ : /^tcp:\/\/192\.168\.56\.\d+:2376$/,
    );
    const docker = (...args: string[]) =>
      timed(steps, `docker ${args.join(' ')}`, () =>
        lab.run(findDockerClient(), args, { env: settings, timeoutMs: HOUR }),
      );
    expect(await docker('version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/Server:/) });
    expect(await docker('info', '--format', '{{.Name}}')).toMatchObject({ status: 0, stdout: 'default\n' });
    const marker = await timed(steps, 'the shared folder, read in the guest', () =>
      lab.tmachine(['ssh', 'default', 'cat /hosthome/marker'], { timeoutMs: HOUR }),
    );
    expect(marker).toMatchObject({ status: 0, stdout: 'read in the guest\n' });
    const stopped = await timed(steps, 'stop default', () =>
      lab.tmachine(['stop', 'default'], { timeoutMs: HOUR }),
    );
    expect(stopped).toMatchObject({ status: 0 });
    console.log(`${network}: afterwards\n${steps.join('\n')}`);
    expect(await lab.tmachine(['rm', '-y', 'default'])).toMatchObject({ status: 0 });
    expect(await lab.inventory()).toEqual({ machines: [], disks: [], adapters: [], fixedAddresses: [] });
  });
});
