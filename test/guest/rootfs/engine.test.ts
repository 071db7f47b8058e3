import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type GuestRoot, guestRoot, HAS_BUSYBOX } from './guest-root.js';

const run = promisify(execFile);
const STATE = 'var/lib/boot2docker';
const describeWithBusybox = HAS_BUSYBOX ? describe : describe.skip;

describeWithBusybox('/etc/init.d/docker', () => {
  let root: GuestRoot;
  beforeEach(async () => {
    root = await guestRoot();
    // An engine that says how it was started, and ends when it is asked to.
    await root.program(
      'usr/sbin/dockerd',
      `printf '%s\\n' "$@" >'${root.at('arguments')}.new'; env >'${root.at('environment')}'
mv '${root.at('arguments')}.new' '${root.at('arguments')}'
trap 'exit 0' TERM; while :; do sleep 0.05; done`,
    );
    await root.program('etc/init.d/containerd', 'exit 0');
    await root.program('usr/lib/tmachine/make-certificates', `env >'${root.at('wanted')}'`);
    await root.write('sys/fs/cgroup/dockerd/cgroup.procs', '');
    await mkdir(root.at(`${STATE}/log`), { recursive: true });
  });
  afterEach(async () => {
    // At once: "stop" waits for the process to be gone, which takes the init of some hosts seconds.
    await root.shell(
      [],
      `[ ! -f "$TMACHINE_ROOT/run/tmachine/docker.pid" ] || kill -KILL "$(cat "$TMACHINE_ROOT/run/tmachine/docker.pid")"`,
    );
    await root.remove();
  });

  const docker = (action: string, env = {}) => root.run('etc/init.d/docker', [action], env);
  /** Starts the engine; resolves to its arguments once it runs. */
  async function started(): Promise<string[]> {
    expect(await docker('start')).toMatchObject({ status: 0 });
    const { stdout } = await root.shell(
      [],
      `until [ -f '${root.at('arguments')}' ]; do usleep 10000; done; cat '${root.at('arguments')}'`,
    );
    return stdout.trim().split('\n');
  }
  const always = () => [
    ...['--data-root', root.at('var/lib/docker'), '-H', 'unix://'],
    ...['--pidfile', root.at('var/run/docker.pid')],
    ...['--containerd', root.at('run/containerd/containerd.sock')],
  ];
  const ownTls = () => [
    '--tlsverify',
    `--tlscacert=${root.at(STATE)}/tls/ca.pem`,
    `--tlskey=${root.at(STATE)}/tls/serverkey.pem`,
    `--tlscert=${root.at(STATE)}/tls/server.pem`,
  ];

  test('a machine that nobody has put a key on listens on its socket only', async () => {
    expect(await started()).toEqual(always());
  });

  test('a key but no profile: the engine listens on 2376 with TLS before any certificate has come (ordering trap)', async () => {
    await root.write(`${STATE}/userdata.tar`, 'x');
    expect(await started()).toEqual([...always(), '-H', 'tcp://0.0.0.0:2376', ...ownTls()]);
    expect(await root.read('wanted')).toContain(`CERTDIR=${root.at(STATE)}/tls\n`);
  });

  test('on VMware it listens with TLS too, key or not', async () => {
    await root.write('sys/class/dmi/id/sys_vendor', 'VMware, Inc.\n');
    expect(await started()).toEqual([...always(), '-H', 'tcp://0.0.0.0:2376', ...ownTls()]);
  });

  test("docker-machine's profile: its arguments, its certificates, its storage driver", async () => {
    await root.write(`${STATE}/userdata.tar`, 'x');
    await root.write(
      `${STATE}/profile`,
      `
EXTRA_ARGS='
--label provider=virtualbox
--registry-mirror https://mirror.example/*

'
CACERT=/var/lib/boot2docker/ca.pem
DOCKER_HOST='-H tcp://0.0.0.0:2376'
DOCKER_STORAGE=overlay2
DOCKER_TLS=auto
SERVERKEY=/var/lib/boot2docker/server-key.pem
SERVERCERT=/var/lib/boot2docker/server.pem

export "HTTP_PROXY=http://proxy.example:3128"
`,
    );
    expect(await started()).toEqual([
      ...always(),
      ...['--label', 'provider=virtualbox', '--registry-mirror', 'https://mirror.example/*'],
      ...['-H', 'tcp://0.0.0.0:2376', '--tlsverify', '--tlscacert=/var/lib/boot2docker/ca.pem'],
      '--tlskey=/var/lib/boot2docker/server-key.pem',
      '--tlscert=/var/lib/boot2docker/server.pem',
      ...['--storage-driver', 'overlay2'],
    ]);
    const environment = await root.read('environment');
    expect(environment).toContain('HTTP_PROXY=http://proxy.example:3128\n');
    // Only what the profile exports reaches the engine; a DOCKER_HOST would make it its own client.
    expect(environment).not.toMatch(/^(EXTRA_ARGS|DOCKER_)/m);
  });

  test('DOCKER_TLS=no: port 2375, no certificates are made', async () => {
    await root.write(`${STATE}/profile`, 'DOCKER_TLS=no\n');
    expect(await started()).toEqual([...always(), '-H', 'tcp://0.0.0.0:2375']);
    await expect(root.read('wanted')).rejects.toThrow('ENOENT');
  });

  test('aufs, which the engine no longer has, is refused with a warning', async () => {
    await root.write(`${STATE}/profile`, 'DOCKER_STORAGE=aufs\n');
    const { stderr } = await docker('start');
    expect(stderr).toContain('warning: the storage driver aufs is gone; the engine chooses\n');
  });

  test('a containerd of daemon.json is not given a second time: dockerd would refuse to start', async () => {
    await root.write(`${STATE}/etc/docker/daemon.json`, '{ "containerd" : "/run/other.sock" }\n');
    expect(await started()).toEqual(always().slice(0, 6));
  });

  test('start while it runs: exit 1; stop: it has ended; stop again: exit 0; status says which', async () => {
    await started();
    expect(await docker('status')).toMatchObject({ status: 0, stdout: 'Docker daemon is running\n' });
    expect(await docker('start')).toMatchObject({ status: 1, stderr: 'Docker is already running\n' });
    expect(await docker('stop')).toMatchObject({ status: 0 });
    expect(await docker('status')).toMatchObject({ status: 1, stdout: 'Docker daemon is not running\n' });
    expect(await docker('stop')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('restart gives a new engine, also after one that was killed', async () => {
    await started();
    const before = await root.read('run/tmachine/docker.pid');
    await rm(root.at('arguments'));
    expect((await docker('restart')).status).toBe(0);
    expect(await root.read('run/tmachine/docker.pid')).not.toBe(before);
    process.kill(Number(await root.read('run/tmachine/docker.pid')), 'SIGKILL');
    expect((await docker('restart')).status).toBe(0);
  });

  test('an unknown word: the usage, exit 1', async () => {
    expect(await docker('dance')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^usage: .*\/docker start\|stop\|restart\|reload\|status\n$/),
    });
  });

  test('a log of more than 10 MiB is begun anew, the old one kept', async () => {
    await writeFile(root.at(`${STATE}/log/docker.log`), Buffer.alloc(10485761, 'x'));
    await started();
    expect((await root.read(`${STATE}/log/docker.log`)).length).toBeLessThan(1000);
    expect((await root.read(`${STATE}/log/docker.log.1`)).length).toBe(10485761);
  });

  test('without a name server from the network the public ones are used, as in boot2docker', async () => {
    await root.write('etc/resolv.conf', '');
    await started();
    expect(await root.read('etc/resolv.conf')).toBe(await root.read('etc/resolv.conf.b2d'));
  });
});

describeWithBusybox("the guest's own certificates", () => {
  let root: GuestRoot;
  let places: Record<string, string>;
  beforeEach(async () => {
    root = await guestRoot();
    const directory = root.at('tls');
    const names = {
      CACERT: 'ca',
      CAKEY: 'cakey',
      SERVERCERT: 'server',
      SERVERKEY: 'serverkey',
      CERT: 'client',
      KEY: 'clientkey',
    };
    places = Object.fromEntries(
      Object.entries(names).map(([name, file]) => [name, `${directory}/${file}.pem`]),
    );
    places['CERTDIR'] = directory;
    places['CERT_INTERFACES'] = 'eth0 eth1';
  });
  afterEach(() => root.remove());

  const STAND_INS = `
ip() { [ "$5" = eth0 ] && echo '    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth0'; }
hostname() { echo dev; }
chown() { :; }
`;
  const make = (overrides: Record<string, string> = {}) =>
    root.shell([], `${STAND_INS}. ${root.at('usr/lib/tmachine/make-certificates')}`, {
      ...places,
      ...overrides,
    });
  const openssl = async (...args: string[]) => (await run('openssl', args)).stdout;

  test('server and client are signed by one authority, for their purposes, with every name of the machine', async () => {
    expect(await make()).toEqual({ status: 0, stdout: '', stderr: '' });
    for (const [purpose, name] of [
      ['sslserver', 'SERVERCERT'],
      ['sslclient', 'CERT'],
    ] as const) {
      const verdict = await openssl(
        'verify',
        '-purpose',
        purpose,
        '-CAfile',
        places['CACERT'] ?? '',
        places[name] ?? '',
      );
      expect(verdict).toContain(': OK');
    }
    const text = await openssl('x509', '-noout', '-ext', 'subjectAltName', '-in', places['SERVERCERT'] ?? '');
    for (const name of [
      'IP Address:127.0.0.1',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:10.0.2.15',
      'DNS:localhost',
      'DNS:localhost.local',
      'DNS:dev',
    ]) {
      expect(text).toContain(name);
    }
    expect((await run('stat', ['-c', '%a', places['SERVERKEY'] ?? '', places['CERTDIR'] ?? ''])).stdout).toBe(
      '600\n700\n',
    );
    expect(await root.read('home/docker/.docker/cert.pem')).toBe(await root.read('tls/client.pem'));
    expect(await root.read('home/docker/.docker/ca.pem')).toBe(await root.read('tls/ca.pem'));
  });

  test('what is there is not made again', async () => {
    await make();
    const before = await root.read('tls/server.pem');
    expect((await make()).status).toBe(0);
    expect(await root.read('tls/server.pem')).toBe(before);
  });

  test('with the certificates of the host nothing is made, no key of an authority either', async () => {
    for (const name of ['ca', 'server', 'serverkey']) await root.write(`given/${name}.pem`, name);
    const given = {
      CACERT: root.at('given/ca.pem'),
      SERVERCERT: root.at('given/server.pem'),
      SERVERKEY: root.at('given/serverkey.pem'),
    };
    expect(await make(given)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await root.shell([], `ls ${root.at('tls')}`)).stdout).toBe('');
  });

  test('a server certificate that cannot be made, because the authority is not ours, is said so', async () => {
    await root.write('tls/ca.pem', 'a stranger');
    expect(await make()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^cannot make .*server\.pem: the key of .*ca\.pem is not here/),
    });
  });
});
