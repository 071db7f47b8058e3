import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startMicrosocks } from '../download/real-proxies.js';
import { tmachineIn } from '../support/cli.js';
import { type CompanyNetwork, startCompanyNetwork } from '../support/company-network.js';
import { type Docker, dockerWith } from '../support/docker-client.js';
import { GUEST_IMAGE } from '../support/guest-image.js';

interface InsideHop {
  readonly where: string;
  readonly step: string;
  readonly ok: boolean;
  readonly text: string;
  readonly nextSteps: readonly string[];
}

/** Two machines behind a real squid that breaks TLS open, and a real registry that only it can reach. The tests build on each other. */
describe('P03, P04, P06: the engine of a machine behind the proxy of a company', () => {
  let directory: string;
  let network: CompanyNetwork;
  let tmachine: ReturnType<typeof tmachineIn>;
  let docker: Docker;
  let image: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tm-corp-'));
    tmachine = tmachineIn(join(directory, 'store'));
    await mkdir(join(directory, 'docker'));
    network = await startCompanyNetwork();
    image = `${network.registry}/box:latest`;
  });

  afterAll(async () => {
    await tmachine(['rm', '-f', 'dev', 'born'], { timeoutMs: 120_000 });
    await network.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const create = (name: string, ...flags: string[]) =>
    tmachine(['create', '-d', 'qemu', '--qemu-boot2docker-url', GUEST_IMAGE, ...flags, name], {
      timeoutMs: 600_000,
    });
  const asSeen = (proxy: string) => proxy.replace('127.0.0.1', '10.0.2.2');
  async function hopsInside(): Promise<readonly InsideHop[]> {
    const url = `https://${network.registry}/v2/`;
    const { stdout } = await tmachine(['proxy', 'check', '--json', '--machine', 'dev', url], {
      timeoutMs: 120_000,
    });
    return JSON.parse(stdout).hops.filter(({ where }: InsideHop) => where === 'dev');
  }
  async function dockerOf(name: string): Promise<Docker> {
    const { variables } = JSON.parse((await tmachine(['env', '--json', name])).stdout);
    return dockerWith(variables, join(directory, 'docker'));
  }

  test('a machine that was told of no proxy does not reach the registry', async () => {
    expect(await create('dev')).toMatchObject({ status: 0, stderr: '' });
    docker = await dockerOf('dev');
    const rootfs = await tmachine(['ssh', 'dev', 'base64 -w 0 /usr/share/tmachine/rootfs.tar'], {
      timeoutMs: 120_000,
    });
    const input = Buffer.from(rootfs.stdout, 'base64');
    expect(await docker(['import', '-', image], { input })).toMatchObject({ status: 0 });
    const pushed = await docker(['push', image], { timeoutMs: 120_000 });
    expect(pushed.status).not.toBe(0);
    expect(await network.proxyLog().catch(() => '')).not.toContain(network.registry);
  });

  test('set --engine-proxy: a proxy that wants a login says so, and proxy check says what to do', async () => {
    const { proxyWithoutLogin } = network;
    const outcome = await tmachine(['set', 'dev', '--engine-proxy', proxyWithoutLogin], {
      timeoutMs: 300_000,
    });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toContain(
      `The proxy ${proxyWithoutLogin} is ${asSeen(proxyWithoutLogin)} for the guest.`,
    );
    const pushed = await docker(['push', image], { timeoutMs: 120_000 });
    expect(pushed.status).not.toBe(0);
    expect(pushed.stderr + pushed.stdout).toContain('Proxy Authentication Required');
    const [tunnel] = (await hopsInside()).slice(-1);
    expect(tunnel).toMatchObject({ step: 'tunnel', ok: false });
    expect(tunnel?.nextSteps[0]).toContain('USER:PASSWORD@');
  });

  test('with a login: through the proxy on this computer, whose authority is not trusted yet', async () => {
    const outcome = await tmachine(['set', 'dev', '--engine-proxy', network.proxy], { timeoutMs: 300_000 });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout + outcome.stderr).not.toContain(new URL(network.proxy).password);
    const pushed = await docker(['push', image], { timeoutMs: 120_000 });
    expect(pushed.status).not.toBe(0);
    expect(pushed.stderr + pushed.stdout).toContain('certificate signed by unknown authority');
    const [certificate] = (await hopsInside()).slice(-1);
    expect(certificate).toMatchObject({ step: 'certificate', ok: false });
    expect(certificate?.text).toContain('Corp Interception CA');
    expect(certificate?.nextSteps[0]).toContain('tmachine set dev --ca-cert FILE');
  });

  test('set --ca-cert: push and pull go through the proxy that breaks TLS open', async () => {
    const outcome = await tmachine(['set', 'dev', '--ca-cert', network.authorityPath], {
      timeoutMs: 300_000,
    });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toContain('(dev) certificate corp: added');
    const pushed = await docker(['push', image], { timeoutMs: 120_000 });
    expect({ status: pushed.status, stderr: pushed.stderr }).toEqual({ status: 0, stderr: '' });
    await pullAnew();
    expect(await network.proxyLog()).toContain(`GET https://${network.registry}/v2/box/blobs/sha256:`);
  });

  test('proxy check shows each step from inside, through the proxy to a certificate that is trusted', async () => {
    const inside = await hopsInside();
    expect(inside.map(({ step, ok }) => `${step} ${ok}`)).toEqual([
      'proxy true',
      'connection true',
      'tunnel true',
      'certificate true',
    ]);
    expect(inside.at(-1)?.text).toContain('Corp Interception CA');
  });

  test('set --docker-config: containers get the same proxy', async () => {
    const outcome = await tmachine(['set', 'dev', '--docker-config'], {
      env: { DOCKER_CONFIG: join(directory, 'docker') },
    });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const environment = await docker(['run', '--rm', image, 'env']);
    expect(environment.stdout).toContain(`HTTPS_PROXY=${asSeen(network.proxy)}\n`);
  });

  test('the same set again leaves the engine running', async () => {
    const started = () => tmachine(['ssh', 'dev', 'stat -c %Y /proc/$(cat /var/run/docker.pid)']);
    const before = (await started()).stdout;
    const outcome = await tmachine(['set', 'dev', '--ca-cert', network.authorityPath], {
      timeoutMs: 300_000,
    });
    expect(outcome.stdout).toBe('Nothing to change in "dev".\n');
    expect((await started()).stdout).toBe(before);
  });

  test('a restart of the machine keeps both', async () => {
    expect(await tmachine(['restart', 'dev'], { timeoutMs: 600_000 })).toMatchObject({
      status: 0,
      stderr: '',
    });
    docker = await dockerOf('dev');
    await pullAnew();
  });

  test('a stopped machine takes what was set at its next start', async () => {
    expect(await tmachine(['stop', 'dev'], { timeoutMs: 120_000 })).toMatchObject({ status: 0 });
    const outcome = await tmachine([
      'set',
      'dev',
      '--unset',
      'ca-cert=corp',
      '--engine-env',
      'GREETING=hello',
    ]);
    expect(outcome.stdout).toBe(
      [
        '(dev) variable GREETING: added',
        '(dev) certificate corp: removed',
        '"dev" does not run now: it takes these settings when it starts.',
        '',
      ].join('\n'),
    );
    expect(await tmachine(['start', 'dev'], { timeoutMs: 600_000 })).toMatchObject({ status: 0, stderr: '' });
    docker = await dockerOf('dev');
    await docker(['rmi', '-f', image]);
    const pulled = await docker(['pull', image], { timeoutMs: 120_000 });
    expect(pulled.stderr + pulled.stdout).toContain('certificate signed by unknown authority');
  });

  test('a machine that is born with both pulls at once', async () => {
    const flags = ['--engine-proxy', network.proxy, '--ca-cert', network.authorityPath];
    expect(await create('born', ...flags)).toMatchObject({ status: 0, stderr: '' });
    docker = await dockerOf('born');
    await pullAnew();
    const modes = await tmachine([
      'ssh',
      'born',
      'sudo stat -c "%a %n" /var/lib/boot2docker/profile /var/lib/boot2docker/certs/tmachine-corp.pem',
    ]);
    expect(modes.stdout.trim().split('\n')).toEqual([
      '600 /var/lib/boot2docker/profile',
      '644 /var/lib/boot2docker/certs/tmachine-corp.pem',
    ]);
  });

  test('a proxy that is spoken to over TLS, and a registry with an authority of its own', async () => {
    const certificate = `${network.registry}=${network.registryAuthorityPath}`;
    const flags = ['--engine-proxy', network.tlsProxy, '--ca-cert', certificate];
    expect(await tmachine(['set', 'born', ...flags], { timeoutMs: 300_000 })).toMatchObject({
      status: 0,
      stderr: '',
    });
    await pullAnew();
    expect(await network.proxyLog()).toMatch(new RegExp(`TCP_TUNNEL/200 \\d+ CONNECT ${network.registry} `));
  });

  test('a SOCKS proxy, which resolves the names', async () => {
    const socks = await startMicrosocks({ user: 'me', password: 'secret' });
    const byName = network.registryByHostName ?? '';
    expect(byName).not.toBe('');
    try {
      const flags = ['--engine-proxy', `socks5h://me:secret@127.0.0.1:${socks.port}`];
      const certificate = `${byName}=${network.registryAuthorityPath}`;
      const outcome = await tmachine(['set', 'born', ...flags, '--ca-cert', certificate], {
        timeoutMs: 300_000,
      });
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
      await pullAnew(`${byName}/box:latest`);
    } finally {
      await socks.stop();
    }
  });

  async function pullAnew(what = image): Promise<void> {
    await docker(['rmi', '-f', what]);
    const pulled = await docker(['pull', what], { timeoutMs: 120_000 });
    expect({ status: pulled.status, stderr: pulled.stderr }).toEqual({ status: 0, stderr: '' });
    expect((await docker(['run', '--rm', what, 'echo', 'pulled'])).stdout).toBe('pulled\n');
  }
});
