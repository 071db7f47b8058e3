import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { tmachineIn } from '../support/cli.js';
import { compareLogs, type Deviation, type Mask, NOT_VERIFIED } from '../support/compare-log.js';
import { describeHere } from '../support/describe-here.js';
import { dockerWith } from '../support/docker-client.js';
import { GUEST_IMAGE } from '../support/guest-image.js';
import { askedCalls, replayProgram } from '../support/replayed-program.js';
import { bootStandIn, noStandIn, type StandIn } from '../support/stand-in-machine.js';
import { adaptPort, addressOfStarted, firstCreate } from '../support/virtualbox-transcript.js';

const LOG = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'windows-setup-log', 'run-3.txt');
/** In the range that VirtualBox allows on Linux since 6.1.28 (P15). */
const ADAPTER = { adapter: 'vboxnet0', adapterAddress: '192.168.60.1' };

const DEVIATIONS: readonly Deviation[] = [
  {
    kind: 'missing',
    line: /^\(default\) Windows might ask for the permission to /,
    reason: 'only Windows asks for permission',
  },
  NOT_VERIFIED,
];

describeHere('the whole way on Linux', noStandIn(), () => {
  let home: string;
  let store: string;
  let machine: string;
  let vboxManage: string;
  let guest: Promise<StandIn> | undefined;
  let adapted: boolean;
  let watching: NodeJS.Timeout;
  let tmachine: ReturnType<typeof tmachineIn>;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'tm-log-'));
    store = join(home, '.docker', 'machine');
    machine = join(store, 'machines', 'default');
    const programs = join(home, 'programs');
    vboxManage = join(programs, 'VBoxManage');
    await mkdir(programs);
    await mkdir(join(store, 'cache'), { recursive: true });
    await copyFile(GUEST_IMAGE, join(store, 'cache', 'boot2docker.iso'));
    await replayProgram(programs, 'VBoxManage', await firstCreate(ADAPTER));
    tmachine = tmachineIn(store, {
      HOME: home,
      // The shell that is opened at the end.
      SHELL: '/bin/true',
      PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}`,
    });
    // As in the log: certificates are there from the runs before.
    await tmachine(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'before']);
    guest = undefined;
    adapted = false;
    watching = setInterval(() => void bootWhenStarted(), 50);
  });

  afterEach(async () => {
    clearInterval(watching);
    await (await guest)?.stop();
    await rm(home, { recursive: true, force: true });
  });

  async function bootWhenStarted(): Promise<void> {
    if (!adapted) adapted = await adaptPort(`${vboxManage}.transcript`, machine, 'default');
    const address = addressOfStarted(await askedCalls(`${vboxManage}.calls`));
    if (address !== undefined) guest ??= bootStandIn(machine, 'default', address);
  }

  test('quickstart prints run 3 of the setup log but for what is Windows alone, and ends with an engine that answers', async () => {
    const { status, stdout, stderr } = await tmachine(
      [
        'quickstart',
        // The stand-in has no hardware virtualization and no shared folders.
        ...['-d', 'virtualbox', '--virtualbox-no-vtx-check', '--virtualbox-no-share'],
        ...['--virtualbox-hostonly-cidr', `${ADAPTER.adapterAddress}/24`],
      ],
      { timeoutMs: 300_000 },
    );
    const asked = await askedCalls(`${vboxManage}.calls`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const address = addressOfStarted(asked) ?? '';
    const windows = 'C:\\Users\\*****\\.docker\\machine';
    const masks: readonly Mask[] = [
      {
        ours: join(store, 'cache', 'boot2docker.iso'),
        original: `${windows}\\cache\\boot2docker.iso`,
        reason: 'paths of Linux',
      },
      {
        ours: join(machine, 'boot2docker.iso'),
        original: `${windows}\\machines\\default\\boot2docker.iso`,
        reason: 'paths of Linux',
      },
      {
        ours: '"vboxnet0"',
        original: '"VirtualBox Host-Only Ethernet Adapter #2"',
        reason: 'adapters have other names on Windows',
      },
      {
        ours: address,
        original: '192.168.99.100',
        reason: 'since VirtualBox 6.1.28 Linux allows 192.168.56.0/21 only',
      },
      {
        ours: 'tmachine env',
        original: 'C:\\Program Files\\Docker Toolbox\\docker-machine.exe env',
        reason: 'where the program is, and what it is called',
      },
    ];
    // What follows is the shell's own prompt.
    const [original] = (await readFile(LOG, 'utf8')).split(/(?<=\nStart interactive shell\n)/);
    const lines = (text = '') => text.trimEnd().split('\n');
    expect(compareLogs(lines(original), lines(stdout), { deviations: DEVIATIONS, masks })).toEqual([]);
    expect(asked.filter(({ known }) => !known)).toEqual([]);

    const docker = dockerWith(
      { DOCKER_HOST: `tcp://${address}:2376`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: machine },
      join(home, 'docker'),
    );
    expect(await docker(['info', '--format', '{{.Name}}'])).toMatchObject({ status: 0, stdout: 'default\n' });
  });
});
