import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compareLogs, type Deviation, type Mask } from '../support/compare-log.js';
import { dockerWith } from '../support/docker-client.js';
import { GUEST_IMAGE } from '../support/guest-image.js';
import { bootStandIn, HOST_ONLY_ADDRESS, noStandIn, type StandIn } from '../support/stand-in-machine.js';
import { type ReplayedCall, type WindowsPlace, windowsPlace } from '../support/windows-lab.js';

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures');
const ADAPTER = 'VirtualBox Host-Only Ethernet Adapter #2';

/** What VBoxManage 7.2 said on Linux. On Windows it was not recorded: an adapter has another name there, which is put in its place. */
function recorded(name: string, args: readonly string[]): ReplayedCall {
  const file = join(FIXTURES, 'vboxmanage', '7.2-linux', `${name}.json`);
  const { exitCode, stdout, stderr } = JSON.parse(readFileSync(file, 'utf8'));
  const onWindows = (text: string) =>
    text.replaceAll(/\bvboxnet0\b/g, ADAPTER).replaceAll('192.168.56.1', '192.168.99.1');
  const isAboutAdapter = args.includes('hostonlyifs') || args.includes('hostonlyif');
  return isAboutAdapter
    ? { args, exitCode, stdout: onWindows(stdout), stderr: onWindows(stderr) }
    : { args, exitCode, stdout, stderr };
}

/** In the order in which they may be asked; the last of a kind answers from then on. */
const CALLS: readonly ReplayedCall[] = [
  recorded('version', ['--version']),
  recorded('list-vms-none', ['list', 'vms']),
  recorded('list-hostonlyifs-none', ['list', 'hostonlyifs']),
  recorded('list-hostonlyifs-none', ['list', 'hostonlyifs']),
  recorded('list-hostonlyifs-new', ['list', 'hostonlyifs']),
  recorded('list-dhcpservers-fresh-home', ['list', 'dhcpservers']),
  recorded('registervm', ['registervm', '*']),
  recorded('showvminfo-poweroff', ['showvminfo', '*', '--machinereadable']),
  recorded('showvminfo-running', ['showvminfo', '*', '--machinereadable']),
  recorded('hostonlyif-create', ['hostonlyif', 'create']),
  recorded('hostonlyif-ipconfig', ['hostonlyif', 'ipconfig', '***']),
  recorded('dhcpserver-add', ['dhcpserver', 'add', '***']),
  recorded('modifyvm', ['modifyvm', '***']),
  recorded('startvm', ['startvm', '***']),
];

const DEVIATIONS: readonly Deviation[] = [
  {
    kind: 'extra',
    line: /^\(default\) This image is not verified: its SHA-256 [0-9a-f]{64} is not known to this release\.$/,
    reason: 'an image whose digest this release does not know is used, and said to be so',
  },
];

(noStandIn() === undefined ? describe : describe.skip)('the whole way on Windows', () => {
  let place: WindowsPlace;
  let profile: string;
  let machine: string;
  let guest: Promise<StandIn> | undefined;
  let watching: NodeJS.Timeout;

  beforeEach(async () => {
    place = await windowsPlace();
    profile = await place.write('Users/me');
    await place.write('Users/me/.docker/machine/cache');
    const store = join(place.path, 'Users', 'me', '.docker', 'machine');
    machine = join(store, 'machines', 'default');
    // As in the log: certificates are there from the runs before, and the user has put the image into the cache by hand.
    await place.tmachine(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'before'], {
      env: { USERPROFILE: profile },
    });
    await copyFile(GUEST_IMAGE, join(store, 'cache', 'boot2docker.iso'));
    await copyFile(
      join(place.path, 'tmachine', 'bin', 'run.cjs'),
      join(place.path, 'tmachine', 'bin', 'docker-machine.cjs'),
    );
    await place.replay('VBoxManage', CALLS);
    guest = undefined;
    watching = setInterval(() => void bootWhenStarted(), 200);
  });

  afterEach(async () => {
    clearInterval(watching);
    await (await guest)?.stop();
    await place.remove();
  });

  async function bootWhenStarted(): Promise<void> {
    const calls = await place.asked('VBoxManage');
    if (calls.some(({ args }) => args[0] === 'startvm')) guest ??= bootStandIn(machine, 'default');
  }

  test('quickstart prints run 3 of the setup log, line by line, and ends with an engine that answers', async () => {
    await place.replay('bash', [{ args: ['--login', '-i'] }]);
    const program = `${place.windowsPath}\\tmachine\\bin\\docker-machine.cjs`;
    const { status, stdout, stderr } = await place.run('node', [program, 'quickstart'], {
      env: { USERPROFILE: profile, SHELL: '/usr/bin/bash', MSYSTEM: 'MINGW64' },
      timeoutMs: 240_000,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

    const masks: readonly Mask[] = [
      { ours: profile, original: 'C:\\Users\\*****', reason: "the user's name is masked in the original" },
      {
        ours: program,
        original: 'C:\\Program Files\\Docker Toolbox\\docker-machine.exe',
        reason: 'where the program is, and what it is called',
      },
    ];
    const original = readFileSync(join(FIXTURES, 'windows-setup-log', 'run-3.txt'), 'utf8');
    // What follows is the shell's own prompt.
    const [beforeShell] = original.split(/(?<=\nStart interactive shell\n)/);
    const lines = (text = '') => text.trimEnd().split(/\r?\n/);
    expect(compareLogs(lines(beforeShell), lines(stdout), { deviations: DEVIATIONS, masks })).toEqual([]);

    const asked = await place.asked('VBoxManage');
    expect(asked.filter(({ known }) => !known)).toEqual([]);
    expect((await place.asked('bash')).map(({ args }) => args)).toEqual([['--login', '-i']]);
    const upToStart = asked.slice(0, asked.findIndex(({ args }) => args[0] === 'startvm') + 1);
    expect(upToStart.length).toBeLessThanOrEqual(12);

    const docker = dockerWith(
      { DOCKER_HOST: `tcp://${HOST_ONLY_ADDRESS}:2376`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: machine },
      join(place.path, 'docker'),
    );
    expect(await docker(['info', '--format', '{{.Name}}'])).toMatchObject({ status: 0, stdout: 'default\n' });
  });
});
