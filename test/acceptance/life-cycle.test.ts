import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runProgram, tmachineIn } from '../support/cli.js';
import { type Docker, dockerWith, findDockerClient } from '../support/docker-client.js';
import { GUEST_IMAGE } from '../support/guest-image.js';
import { qemuProcesses } from '../support/qemu-processes.js';

/** Lines that depend on the computer and on the release, not on the flow. */
function aboutThisHost(line: string): boolean {
  return /^\(dev\) (QEMU runs the machine without hardware virtualization|This image is not verified)/.test(
    line,
  );
}

/** One machine through its whole life. The tests build on each other, in this order. */
describe('a machine on QEMU, from our own guest image', () => {
  // A store whose path hurts: a space, an apostrophe, letters beyond ASCII (P11).
  let directory: string;
  let store: string;
  let tmachine: ReturnType<typeof tmachineIn>;
  let docker: Docker;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "tm Käyttäjä O'Neil "));
    store = join(directory, 'store');
    tmachine = tmachineIn(store, { HOME: directory, XDG_CACHE_HOME: join(directory, 'cache') });
    await mkdir(join(directory, 'docker'));
  });

  afterAll(async () => {
    await tmachine(['rm', '-f', 'dev']);
    await rm(directory, { recursive: true, force: true });
  });

  async function succeed(args: readonly string[], input?: string | Buffer): Promise<string> {
    const outcome = await docker(args, input === undefined ? {} : { input });
    expect({ args, status: outcome.status, stderr: outcome.status === 0 ? '' : outcome.stderr }).toEqual({
      args,
      status: 0,
      stderr: '',
    });
    return outcome.stdout.trim();
  }

  test('create prints the lines of docker-machine in their order, and ends with a Docker that is up', async () => {
    const { status, stdout, stderr } = await tmachine(
      [
        'create',
        '-d',
        'qemu',
        '--qemu-boot2docker-url',
        GUEST_IMAGE,
        '--engine-label',
        'purpose=test',
        'dev',
      ],
      { timeoutMs: 600_000 },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const machine = join(store, 'machines', 'dev');
    expect(stdout.split('\n').filter((line) => !aboutThisHost(line))).toEqual([
      `Creating CA: ${join(store, 'certs', 'ca.pem')}`,
      `Creating client certificate: ${join(store, 'certs', 'cert.pem')}`,
      'Running pre-create checks...',
      'Creating machine...',
      `(dev) Copying ${GUEST_IMAGE} to ${join(machine, 'boot2docker.iso')}...`,
      '(dev) Creating QEMU VM...',
      '(dev) Creating SSH key...',
      '(dev) Starting the VM...',
      '(dev) Waiting for an IP...',
      'Waiting for machine to be running, this may take a few minutes...',
      'Detecting operating system of created instance...',
      'Waiting for SSH to be available...',
      'Detecting the provisioner...',
      'Provisioning with boot2docker...',
      'Copying certs to the local machine directory...',
      'Copying certs to the remote machine...',
      'Setting Docker configuration on the remote daemon...',
      'Checking connection to Docker...',
      'Docker is up and running!',
      'To see how to connect your Docker Client to the Docker Engine running on this virtual machine, run: tmachine env dev',
      '',
    ]);
  });

  test('env evaluated in bash gives a docker that answers from the guest', async () => {
    const outcome = await tmachine(['env', 'dev', '--shell', 'bash']);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const evaluated = await runProgram('bash', [
      '-c',
      `${outcome.stdout}\nprintf '%s\\0' "$DOCKER_TLS_VERIFY" "$DOCKER_HOST" "$DOCKER_CERT_PATH" "$DOCKER_MACHINE_NAME"`,
    ]);
    const [verify = '', host = '', certPath = '', name = ''] = evaluated.stdout.split('\0');
    expect({ verify, certPath, name }).toEqual({
      verify: '1',
      certPath: join(store, 'machines', 'dev'),
      name: 'dev',
    });
    expect(host).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
    docker = dockerWith(
      {
        DOCKER_TLS_VERIFY: verify,
        DOCKER_HOST: host,
        DOCKER_CERT_PATH: certPath,
        DOCKER_MACHINE_NAME: name,
      },
      join(directory, 'docker'),
    );
    expect(await succeed(['version', '--format', '{{.Server.Version}}'])).toMatch(/^2[6-9]\./);
  });

  test('the engine is the one in the guest: its name, its labels, its kernel', async () => {
    const info = JSON.parse(await succeed(['info', '--format', '{{json .}}']));
    expect(info).toMatchObject({
      Name: 'dev',
      Labels: expect.arrayContaining(['purpose=test', 'provider=qemu']),
    });
    const guest = await tmachine(['ssh', 'dev', 'cat', '/proc/sys/kernel/random/boot_id']);
    const here = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    expect(guest.status).toBe(0);
    expect(guest.stdout.trim()).not.toBe(here.trim());
    expect(info.KernelVersion).toBe((await tmachine(['ssh', 'dev', 'uname', '-r'])).stdout.trim());
  });

  test('a root file system is imported and a container runs', async () => {
    const rootfs = await tmachine(['ssh', 'dev', 'base64 -w 0 /usr/share/tmachine/rootfs.tar'], {
      timeoutMs: 120_000,
    });
    expect(rootfs.status).toBe(0);
    await succeed(['import', '-', 'box:latest'], Buffer.from(rootfs.stdout, 'base64'));
    expect(await succeed(['images', '--format', '{{.Repository}}:{{.Tag}}'])).toContain('box:latest');
    expect(await succeed(['run', '--rm', 'box', 'echo', 'hello from a container'])).toBe(
      'hello from a container',
    );
  });

  test('the everyday commands work: -h -i -t, ps, inspect, diff, logs, commit, rmi', async () => {
    const terminal = await runProgram(
      'script',
      ['-qec', `${findDockerClient()} run --name titled -h NAME -i -t box hostname`, '/dev/null'],
      { env: await dockerEnvironment(), timeoutMs: 120_000 },
    );
    // `script` has no keyboard to lend and echoes that as ^@.
    expect(terminal.stdout.trim()).toMatch(/^(\^@)?NAME$/);
    await succeed([
      'run',
      '-d',
      '--name',
      'sleeper',
      'box',
      'sh',
      '-c',
      'echo began; touch /made; sleep 1000',
    ]);
    expect(await succeed(['ps', '--format', '{{.Names}}'])).toBe('sleeper');
    expect((await succeed(['ps', '-a', '--format', '{{.Names}}'])).split('\n').sort()).toEqual([
      'sleeper',
      'titled',
    ]);
    expect(await succeed(['inspect', '--format', '{{.NetworkSettings.IPAddress}}', 'sleeper'])).toMatch(
      /^172\.17\.0\.\d+$/,
    );
    expect(await succeed(['logs', 'sleeper'])).toBe('began');
    expect(await succeed(['diff', 'sleeper'])).toContain('A /made');
    await succeed(['commit', 'sleeper', 'made:1']);
    expect(await succeed(['run', '--rm', 'made:1', 'ls', '/made'])).toBe('/made');
    await succeed(['rm', '-f', 'sleeper', 'titled']);
    await succeed(['rmi', 'made:1']);
    expect(await succeed(['images', '-q', 'made:1'])).toBe('');
  });

  test('docker build makes an image', async () => {
    const context = join(directory, 'context');
    await mkdir(context);
    await writeFile(join(context, 'greeting'), 'built in the guest\n');
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM box\nCOPY greeting /greeting\nRUN cat /greeting > /copied\nCMD ["cat", "/copied"]\n',
    );
    await succeed(['build', '-t', 'built', context]);
    expect(await succeed(['run', '--rm', 'built'])).toBe('built in the guest');
  });

  test('ports, bind mounts, volumes from, links and user networks work', async () => {
    await succeed([
      'run',
      '-d',
      '--name',
      'web',
      '-p',
      '8080:80',
      '-v',
      '/srv',
      'box',
      'sh',
      '-c',
      'mkdir -p /www; echo served >/www/index.html; httpd -f -p 80 -h /www',
    ]);
    const fetched = await tmachine(['ssh', 'dev', 'wget -q -O - http://127.0.0.1:8080/']);
    expect(fetched.stdout.trim()).toBe('served');
    await succeed(['exec', 'web', 'sh', '-c', 'echo shared >/srv/file']);
    expect(await succeed(['run', '--rm', '--volumes-from', 'web', 'box', 'cat', '/srv/file'])).toBe('shared');
    expect(
      await succeed(['run', '--rm', '--link', 'web:peer', 'box', 'wget', '-q', '-O', '-', 'http://peer/']),
    ).toBe('served');
    expect(
      await succeed([
        'run',
        '--rm',
        '-v',
        '/etc:/host-etc:ro',
        'box',
        'grep',
        '^ID=',
        '/host-etc/os-release',
      ]),
    ).toBe('ID=boot2docker');
    await succeed(['network', 'create', 'net']);
    await succeed(['network', 'connect', 'net', 'web']);
    expect(
      await succeed(['run', '--rm', '--network', 'net', 'box', 'wget', '-q', '-O', '-', 'http://web/']),
    ).toBe('served');
    await succeed(['rm', '-f', '-v', 'web']);
    await succeed(['network', 'rm', 'net']);
  });

  test('ssh passes the remote exit code, both streams and the input through', async () => {
    expect(await tmachine(['ssh', 'dev', 'exit 42'])).toMatchObject({ status: 42 });
    expect(await tmachine(['ssh', 'dev', 'cat; echo err >&2'], { input: 'in\n' })).toMatchObject({
      status: 0,
      stdout: 'in\n',
      stderr: 'err\n',
    });
  });

  test('ls, status, ip, url, inspect and version agree', async () => {
    const environment = await dockerEnvironment();
    const url = environment['DOCKER_HOST'] ?? '';
    const list = await tmachine(['ls'], { env: environment });
    expect(list.stdout).toMatch(/^NAME {3}ACTIVE {3}DRIVER {3}STATE {5}URL +SWARM {3}DOCKER +ERRORS\n/);
    expect(list.stdout).toMatch(new RegExp(`^dev +\\* +qemu +Running +${url} +v26\\.`, 'm'));
    expect((await tmachine(['status', 'dev'])).stdout).toBe('Running\n');
    expect((await tmachine(['ip', 'dev'])).stdout).toBe('127.0.0.1\n');
    expect((await tmachine(['url', 'dev'])).stdout).toBe(`${url}\n`);
    expect((await tmachine(['inspect', '-f', '{{.DriverName}} {{.Driver.MachineName}}', 'dev'])).stdout).toBe(
      'qemu dev\n',
    );
    expect((await tmachine(['version', 'dev'])).stdout).toMatch(/^26\./);
    expect((await tmachine(['active'], { env: environment })).stdout).toBe('dev\n');
  });

  test('a volume survives stop and start', async () => {
    await succeed(['run', '--rm', '-v', 'data:/data', 'box', 'sh', '-c', 'echo kept >/data/file']);
    const stopped = await tmachine(['stop', 'dev'], { timeoutMs: 180_000 });
    expect(stopped).toMatchObject({ status: 0, stdout: 'Stopping "dev"...\nMachine "dev" was stopped.\n' });
    expect((await tmachine(['status', 'dev'])).stdout).toBe('Stopped\n');
    expect(await tmachine(['env', '--shell', 'bash', 'dev'])).toMatchObject({ status: 1, stdout: 'false\n' });
    const started = await tmachine(['start', 'dev'], { timeoutMs: 300_000 });
    expect(started).toMatchObject({ status: 0, stderr: '' });
    await refreshDocker();
    expect(await succeed(['run', '--rm', '-v', 'data:/data', 'box', 'cat', '/data/file'])).toBe('kept');
  });

  test('restart, and kill followed by start, bring the engine back', async () => {
    expect((await tmachine(['restart', 'dev'], { timeoutMs: 300_000 })).status).toBe(0);
    await refreshDocker();
    expect(await succeed(['version', '--format', '{{.Server.Version}}'])).toMatch(/^26\./);
    expect(await tmachine(['kill', 'dev'])).toMatchObject({
      status: 0,
      stdout: 'Killing "dev"...\nMachine "dev" was killed.\n',
    });
    expect((await tmachine(['start', 'dev'], { timeoutMs: 300_000 })).status).toBe(0);
    await refreshDocker();
    expect(await succeed(['run', '--rm', '-v', 'data:/data', 'box', 'cat', '/data/file'])).toBe('kept');
  });

  test('P19: after regenerate-certs the new certificate is served, also after stop and start', async () => {
    const file = join(store, 'machines', 'dev', 'server.pem');
    const before = await readFile(file, 'utf8');
    expect((await tmachine(['regenerate-certs', '-f', 'dev'], { timeoutMs: 300_000 })).status).toBe(0);
    const after = await readFile(file, 'utf8');
    expect(after).not.toBe(before);
    expect((await tmachine(['restart', 'dev'], { timeoutMs: 300_000 })).status).toBe(0);
    await refreshDocker();
    const { hostname, port } = new URL(
      ((await dockerEnvironment())['DOCKER_HOST'] ?? '').replace('tcp:', 'http:'),
    );
    const served = await runProgram('openssl', ['s_client', '-connect', `${hostname}:${port}`], {
      input: '',
    });
    expect(served.stdout.replace(/\s/g, '')).toContain(after.split('-----')[2]?.replace(/\s/g, ''));
  });

  test('no private key is left under /home or on the raw disk', async () => {
    const home = await tmachine(['ssh', 'dev', 'sudo grep -rl "PRIVATE KEY" /home']);
    expect(home).toMatchObject({ status: 1, stdout: '' });
    await tmachine(['stop', 'dev'], { timeoutMs: 180_000 });
    const machine = join(store, 'machines', 'dev');
    const disk = readdirSync(machine).find((file) => file.endsWith('.qcow2'));
    // The first 320 KiB of the disk, where the seed with its keys was: nothing but the guest's partition table is there now.
    const raw = join(directory, 'head.raw');
    const copied = await runProgram('qemu-img', [
      ...['dd', '-f', 'qcow2', '-O', 'raw', 'bs=64k', 'count=5'],
      `if=${join(machine, disk ?? 'no disk')}`,
      `of=${raw}`,
    ]);
    expect(copied).toMatchObject({ status: 0 });
    const head = await readFile(raw, 'latin1');
    expect(head).toHaveLength(5 * 65536);
    expect(head).not.toMatch(/PRIVATE KEY|tmachine-seed/);
    const marker = await runProgram('grep', [
      '-c',
      '-a',
      'tmachine-seed-1',
      join(machine, disk ?? 'no disk'),
    ]);
    expect(marker).toMatchObject({ status: 1, stdout: '0\n' });
  });

  test('rm leaves nothing behind, and the name is free again', async () => {
    expect(await tmachine(['rm', '-y', 'dev'], { timeoutMs: 120_000 })).toMatchObject({ status: 0 });
    expect(existsSync(join(store, 'machines', 'dev'))).toBe(false);
    expect(qemuProcesses(store)).toEqual([]);
    expect((await tmachine(['ls', '-q'])).stdout).toBe('');
  });

  async function dockerEnvironment(): Promise<Record<string, string>> {
    const outcome = await tmachine(['env', '--json', 'dev']);
    expect(outcome).toMatchObject({ status: 0 });
    return JSON.parse(outcome.stdout).variables;
  }

  async function refreshDocker(): Promise<void> {
    docker = dockerWith(await dockerEnvironment(), join(directory, 'docker'));
  }
});
