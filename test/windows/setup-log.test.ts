import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { compareLogs, type Deviation, type Mask, NOT_VERIFIED } from '../support/compare-log.js';
import { describeHere } from '../support/describe-here.js';
import { dockerWith } from '../support/docker-client.js';
import { GUEST_IMAGE } from '../support/guest-image.js';
import { bootStandIn, noStandIn, type StandIn } from '../support/stand-in-machine.js';
import { adaptPort, addressOfStarted, firstCreate } from '../support/virtualbox-transcript.js';
import { type WindowsPlace, windowsPlace } from '../support/windows-lab.js';

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures');
const ADAPTER = 'VirtualBox Host-Only Ethernet Adapter #2';

/** The stand-in has none. */
const WITHOUT_SHARES = ['--virtualbox-no-share'];

const DEVIATIONS: readonly Deviation[] = [NOT_VERIFIED];

describeHere('the whole way on Windows', noStandIn(), () => {
  let place: WindowsPlace;
  let profile: string;
  let machine: string;
  let guest: Promise<StandIn> | undefined;
  let adapted: boolean;
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
    await place.replay('VBoxManage', await firstCreate({ adapter: ADAPTER, adapterAddress: '192.168.99.1' }));
    guest = undefined;
    adapted = false;
    watching = setInterval(() => void bootWhenStarted(), 50);
  });

  afterEach(async () => {
    clearInterval(watching);
    await (await guest)?.stop();
    await place.remove();
  });

  async function bootWhenStarted(): Promise<void> {
    if (!adapted)
      adapted = await adaptPort(join(place.path, 'programs', 'VBoxManage.transcript'), machine, 'default');
    const calls = await place.asked('VBoxManage');
    const address = addressOfStarted(calls);
    if (address !== undefined) guest ??= bootStandIn(machine, 'default', address);
  }

  test('quickstart prints run 3 of the setup log, line by line, and ends with an engine that answers', async () => {
    await place.replay('bash', [{ args: ['--login', '-i'] }]);
    const program = `${place.windowsPath}\\tmachine\\bin\\docker-machine.cjs`;
    const { status, stdout, stderr } = await place.run('node', [program, 'quickstart', ...WITHOUT_SHARES], {
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
      { DOCKER_HOST: `tcp://192.168.99.100:2376`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: machine },
      join(place.path, 'docker'),
    );
    expect(await docker(['info', '--format', '{{.Name}}'])).toMatchObject({ status: 0, stdout: 'default\n' });
  });
});
