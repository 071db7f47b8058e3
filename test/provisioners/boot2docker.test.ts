import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { EngineOptions } from '../../src/core/machine.js';
import type { GuestShell } from '../../src/core/ports.js';
import type { EnginePlan } from '../../src/core/provisioner.js';
import { createBoot2DockerProvisioner } from '../../src/provisioners/boot2docker.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const provisioner = createBoot2DockerProvisioner(
  readFileSync(join(root, 'templates', 'boot2docker-profile'), 'utf8'),
);

const engine: EngineOptions = {
  ArbitraryFlags: [],
  Dns: null,
  GraphDir: '',
  Env: [],
  Ipv6: false,
  InsecureRegistry: [],
  Labels: [],
  LogLevel: '',
  StorageDriver: '',
  SelinuxEnabled: false,
  TlsVerify: true,
  RegistryMirror: [],
  InstallURL: '',
};

function profile(options: Partial<EngineOptions>): string {
  const plan: EnginePlan = {
    machineName: 'dev',
    driverName: 'virtualbox',
    engine: { ...engine, ...options },
    port: 2376,
    ca: 'CA',
    serverCertificate: 'CERT',
    serverKey: 'KEY',
  };
  return provisioner.engineFiles(plan).find((file) => file.path.endsWith('/profile'))?.content ?? '';
}

/** What a POSIX shell makes of the profile: the words of EXTRA_ARGS and one exported variable. */
function sourced(text: string, variable: string): { words: string[]; value: string } {
  const script = `${text}\nset -f\nfor word in $EXTRA_ARGS; do printf '%s\\n' "$word"; done; printf 'VALUE=%s' "$${variable}"`;
  const result = spawnSync('sh', ['-c', script], { encoding: 'utf8', env: {} });
  const [words = '', value = ''] = result.stdout.split('VALUE=');
  return { words: words.split('\n').filter(Boolean), value };
}

describe('boot2docker provisioner', () => {
  test("the profile is docker-machine's, byte for byte, when no value needs escaping", () => {
    expect(
      profile({
        Labels: ['l=1'],
        InsecureRegistry: ['reg:5000'],
        RegistryMirror: ['http://mir'],
        ArbitraryFlags: ['log-level=debug'],
        Env: ['HTTP_PROXY=http://p:8080'],
      }),
    ).toBe(
      [
        '',
        "EXTRA_ARGS='",
        '--label l=1',
        '--label provider=virtualbox',
        '--insecure-registry reg:5000',
        '--registry-mirror http://mir',
        '--log-level=debug',
        '',
        "'",
        'CACERT=/var/lib/boot2docker/ca.pem',
        "DOCKER_HOST='-H tcp://0.0.0.0:2376'",
        'DOCKER_STORAGE=overlay2',
        'DOCKER_TLS=auto',
        'SERVERKEY=/var/lib/boot2docker/server-key.pem',
        'SERVERCERT=/var/lib/boot2docker/server.pem',
        '',
        'export "HTTP_PROXY=http://p:8080"',
        '',
      ].join('\n'),
    );
  });

  test.each(["it's", '$HOME', '`id`', '"quoted"', 'back\\slash', '$(id)', 'Käyttäjä'])(
    'the value %s reaches the engine as it was given',
    (value) => {
      const text = profile({ Labels: [`l=${value}`], Env: [`PROXY=${value} and more`] });
      expect(sourced(text, 'PROXY')).toEqual({
        words: ['--label', `l=${value}`, '--label', 'provider=virtualbox'],
        value: `${value} and more`,
      });
    },
  );

  test('keys are for root alone', () => {
    const modes = provisioner.engineFiles(EMPTY_PLAN).map(({ path, mode }) => [path, mode.toString(8)]);
    expect(modes).toEqual([
      ['/var/lib/boot2docker/ca.pem', '644'],
      ['/var/lib/boot2docker/server.pem', '644'],
      ['/var/lib/boot2docker/server-key.pem', '600'],
      ['/var/lib/boot2docker/profile', '600'],
    ]);
  });

  test('P03: certificates lie where the guest and its engine read them at every boot', () => {
    const files = provisioner.engineFiles({
      ...EMPTY_PLAN,
      trusted: [
        { name: 'corp', pem: 'PEM' },
        { name: 'own', pem: 'REG', registry: 'reg:5000' },
      ],
    });
    expect(files.slice(-2)).toEqual([
      { path: '/var/lib/boot2docker/certs/tmachine-corp.pem', mode: 0o644, content: 'PEM' },
      {
        path: '/var/lib/boot2docker/etc/docker/certs.d/reg:5000/tmachine-own.crt',
        mode: 0o644,
        content: 'REG',
      },
    ]);
  });

  test.each([
    ['our image', true],
    ['stock boot2docker', false],
  ])(
    'P03: on %s, certificates of an earlier plan go, foreign ones stay, and the list is made anew',
    async (_, ours) => {
      const guest = await guestOnDisk(ours);
      await guest.put('var/lib/boot2docker/certs/tmachine-old.pem', 'OLD');
      await guest.put('var/lib/boot2docker/certs/tmachine-corp.pem', 'CORP');
      await guest.put('var/lib/boot2docker/certs/by-hand.pem', 'HAND');
      await guest.put('var/lib/boot2docker/etc/docker/certs.d/reg:5000/tmachine-own.crt', 'REG');
      const trusted = [{ name: 'corp', pem: 'CORP' }];
      const trust = (plan: EnginePlan) => provisioner.trust?.(guest.shell, plan);
      expect(await trust({ ...EMPTY_PLAN, trusted })).toBe(true);
      expect(await guest.files()).toEqual([
        ...(ours ? [] : ['usr/local/share/ca-certificates/tmachine-corp.crt']),
        'var/lib/boot2docker/certs/by-hand.pem',
        'var/lib/boot2docker/certs/tmachine-corp.pem',
      ]);
      expect(guest.updates()).toBe(1);
      expect(await trust({ ...EMPTY_PLAN, trusted })).toBe(false);
      expect(await trust(EMPTY_PLAN)).toBe(true);
      expect(guest.updates()).toBe(3);
      expect(await trust(EMPTY_PLAN)).toBe(false);
      expect(guest.updates()).toBe(3);
      await guest.remove();
    },
  );

  describe('an engine that takes longer to end than its script waits', () => {
    /** It is seen running `looks` times after it was asked to end; what was asked of its script goes to stdout. */
    async function slowEngine(looks: number) {
      const guest = await guestOnDisk(true);
      const script = `#!/bin/sh
echo "$1" >>"$0.log"
case $1 in
  stop) echo 'Docker did not end within 30 s' >&2; exit 1 ;;
  start) [ "$(grep -c status "$0.log")" -gt ${looks} ] || { echo 'Docker is already running' >&2; exit 1; } ;;
  status) [ "$(grep -c status "$0.log")" -le ${looks} ] ;;
esac
`;
      await guest.put('etc/init.d/docker', script, 0o755);
      return guest;
    }

    test.each([['stop'], ['restart']] as const)('P18: %s waits until it has ended', async (action) => {
      const guest = await slowEngine(3);
      await provisioner.service(guest.shell, action);
      if (action === 'stop') await provisioner.service(guest.shell, 'start');
      expect((await guest.text('etc/init.d/docker.log')).split('\n')).toEqual([
        ...['stop', 'status', 'status', 'status', 'status', 'start', ''],
      ]);
      await guest.remove();
    });

    test('one that never ends is a failure that says so', async () => {
      const guest = await slowEngine(1000);
      await expect(provisioner.service(guest.shell, 'stop')).rejects.toMatchObject({
        message: 'Could not stop the engine in the guest',
        reason: 'Docker did not end within 30 s',
      });
      await guest.remove();
    });
  });
});

const EMPTY_PLAN: EnginePlan = {
  machineName: 'dev',
  driverName: 'qemu',
  engine,
  port: 2376,
  ca: '',
  serverCertificate: '',
  serverKey: '',
};

/** The directories of a guest below a temporary one, with a shell that runs scripts there. */
async function guestOnDisk(ours: boolean) {
  const directory = await mkdtemp(join(tmpdir(), 'tm-guest-'));
  const programs = join(directory, 'programs');
  const log = join(directory, 'updates');
  const put = async (path: string, content: string, mode = 0o644) => {
    await mkdir(dirname(join(directory, 'root', path)), { recursive: true });
    await writeFile(join(directory, 'root', path), content, { mode });
  };
  await mkdir(programs);
  await writeFile(join(programs, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  await writeFile(join(programs, 'update-ca-certificates'), `#!/bin/sh\necho x >>${log}\n`, { mode: 0o755 });
  await writeFile(join(programs, 'sleep'), '#!/bin/sh\n', { mode: 0o755 });
  if (ours) await mkdir(join(directory, 'root/usr/lib/tmachine'), { recursive: true });
  const here = (text: string) =>
    text
      .replaceAll('/var/lib/', `${directory}/root/var/lib/`)
      .replaceAll('/usr/l', `${directory}/root/usr/l`)
      .replaceAll('/etc/init.d/', `${directory}/root/etc/init.d/`);
  const shell: GuestShell = {
    run: async (script, args = []) => {
      const result = spawnSync('sh', ['-c', here(script), 'sh', ...args.map(here)], {
        encoding: 'utf8',
        env: { PATH: `${programs}:/usr/bin:/bin` },
      });
      return { status: result.status ?? 1, stdout: result.stdout, stderr: result.stderr };
    },
  };
  return {
    put,
    text: (path: string) => readFile(join(directory, 'root', path), 'utf8'),
    shell,
    updates: () => (existsSync(log) ? readFileSync(log, 'utf8').length / 2 : 0),
    files: async () =>
      (await readdir(join(directory, 'root'), { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => relative(join(directory, 'root'), join(entry.parentPath, entry.name)))
        .sort(),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
