#!/usr/bin/env node
// Runs the VirtualBox of this lab through all that the driver reads and writes each call to
// test/fixtures/vboxmanage/7.2-linux/NAME.json: arguments, exit code, both streams. Needs root and `setup`; two minutes.
// The machines get a VirtualBox home, a network namespace and a mount namespace of their own.
//
// Usage: record.mjs [NAME...]     records all; writes only the named ones

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { release, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const lab = process.env.VBOX_LAB ?? '/opt/vbox-lab';
const program = join(lab, 'bin', 'VBoxManage');
const packaged = '/usr/lib/virtualbox/VBoxManage';
const fixtures = join(import.meta.dirname, '..', '..', 'fixtures', 'vboxmanage', '7.2-linux');

if (process.env.VBOX_LAB_RECORDING === undefined) {
  const inside = spawnSync('unshare', ['--net', '--mount', process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, VBOX_LAB_RECORDING: '1' },
  });
  process.exit(inside.status ?? 1);
}

const scratch = mkdtempSync('/var/tmp/vbox-record-');
const socketId = `record${process.pid}`;
const env = {
  PATH: process.env.PATH,
  HOME: scratch,
  LC_ALL: 'C',
  VBOX_USER_HOME: join(scratch, '.config', 'VirtualBox'),
  VBOX_IPC_SOCKETID: socketId,
};
const machines = join(scratch, '.docker', 'machine', 'machines');
const dev = join(machines, 'dev');
const only = new Set(process.argv.slice(2));

/** Runs one call; `as` is the program (default: the lab's VBoxManage). Returns exit code and output. */
function call(args, { as = [program], input } = {}) {
  const { status, stdout, stderr } = spawnSync(as[0], [...as.slice(1), ...args], {
    env,
    cwd: scratch,
    input: input ?? '',
    timeout: 120_000,
    maxBuffer: 64 << 20,
  });
  return { exitCode: status, stdout: String(stdout), stderr: String(stderr) };
}

const masked = (text) =>
  [scratch, userInfo().homedir]
    .reduce((all, folder) => all.replaceAll(folder, '/home/user'), text)
    .replaceAll(release(), 'KERNEL');
let version = '';

/** Runs one call and keeps it as a fixture. */
function record(name, args, { note, ...options } = {}) {
  const answer = call(args, options);
  keep(name, args, answer, note);
  return answer;
}

function keep(name, args, { exitCode, stdout, stderr }, note) {
  const origin = `recorded here: VirtualBox ${version} of Debian on Linux`;
  const fixture = {
    origin: note === undefined ? origin : `${origin}; ${note}`,
    args: args.map(masked),
    exitCode,
    stdout: masked(stdout),
    stderr: masked(stderr),
  };
  if (only.size === 0 || only.has(name))
    writeFileSync(join(fixtures, `${name}.json`), `${JSON.stringify(fixture, null, 2)}\n`);
  const said = (stderr || stdout).trim().split('\n');
  console.log(
    `${String(exitCode).padStart(3)}  ${name}: ${(said.find((line) => line.includes('error:')) ?? said[0]).slice(0, 120)}`,
  );
}

/** The process of a running machine, found by the folder it works in. */
function headlessPids() {
  const { stdout } = spawnSync('pgrep', ['-f', `VBoxHeadless.*--comment (dev|other)`]);
  return String(stdout)
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`VBOX_IPC_SOCKETID=${socketId}`));
}

async function until(name, state) {
  for (let tries = 0; tries < 200; tries++) {
    if (call(['showvminfo', name, '--machinereadable']).stdout.includes(`VMState="${state}"`)) return;
    await sleep(100);
  }
  throw new Error(`${name} did not become ${state}`);
}

const realOne = { as: ['chroot', join(lab, 'sid'), packaged] };

function recordHost() {
  record('version', ['--version']);
  record('version-warning', ['--version'], {
    as: ['chroot', join(lab, 'sid'), '/usr/bin/VBoxManage'],
    note: "the distribution's wrapper, without kernel modules",
  });
  record('usage-error', ['showvminfo', '--no-such-option']);
  record('unknown-command', ['no-such-command']);
  for (const what of ['hostonlyifs', 'vms', 'runningvms', 'hdds'])
    record(`list-${what}-none`, ['list', what]);
  record('list-dhcpservers-fresh-home', ['list', 'dhcpservers'], { note: 'a new home, no adapter' });
  for (const what of ['systemproperties', 'hostinfo', 'hostonlynets', 'extpacks'])
    record(`list-${what}`, ['list', what]);
}

function recordNetworks() {
  record('hostonlyif-create', ['hostonlyif', 'create']);
  record('list-hostonlyifs-new', ['list', 'hostonlyifs']);
  record('hostonlyif-ipconfig', [
    'hostonlyif',
    'ipconfig',
    'vboxnet0',
    '--ip',
    '192.168.56.1',
    '--netmask',
    '255.255.255.0',
  ]);
  record('hostonlyif-ipconfig-denied', [
    'hostonlyif',
    'ipconfig',
    'vboxnet0',
    '--ip',
    '192.168.99.1',
    '--netmask',
    '255.255.255.0',
  ]);
  record('hostonlyif-ipconfig-unknown', [
    'hostonlyif',
    'ipconfig',
    'vboxnet7',
    '--ip',
    '192.168.56.1',
    '--netmask',
    '255.255.255.0',
  ]);
  record('hostonlyif-create-second', ['hostonlyif', 'create']);
  call(['hostonlyif', 'ipconfig', 'vboxnet1', '--ip', '192.168.59.1', '--netmask', '255.255.255.0']);
  record('list-hostonlyifs-two', ['list', 'hostonlyifs']);
  const network = (n) => ['--network', `HostInterfaceNetworking-vboxnet${n}`];
  const range = (third) => [
    '--server-ip',
    `192.168.${third}.2`,
    '--netmask',
    '255.255.255.0',
    '--lower-ip',
    `192.168.${third}.100`,
    '--upper-ip',
    `192.168.${third}.254`,
    '--enable',
  ];
  record('dhcpserver-add-exists', ['dhcpserver', 'add', ...network(0), ...range(56)]);
  record('dhcpserver-add', ['dhcpserver', 'add', ...network(1), ...range(59)]);
  record('dhcpserver-modify', ['dhcpserver', 'modify', ...network(0), ...range(56)]);
  record('dhcpserver-modify-old-words', [
    'dhcpserver',
    'modify',
    '--netname',
    'HostInterfaceNetworking-vboxnet0',
    '--ip',
    '192.168.56.2',
    '--netmask',
    '255.255.255.0',
    '--lowerip',
    '192.168.56.100',
    '--upperip',
    '192.168.56.254',
    '--enable',
  ]);
  record('dhcpserver-modify-unknown', ['dhcpserver', 'modify', ...network(7), ...range(57)]);
  record('dhcpserver-modify-bad-range', [
    'dhcpserver',
    'modify',
    ...network(0),
    '--server-ip',
    '192.168.56.2',
    '--netmask',
    '255.255.255.0',
    '--lower-ip',
    '10.0.0.1',
    '--upper-ip',
    '10.0.0.9',
  ]);
  record('dhcpserver-remove-unknown', ['dhcpserver', 'remove', ...network(7)]);
  record('list-dhcpservers-two', ['list', 'dhcpservers']);
  record('hostonlyif-remove-unknown', ['hostonlyif', 'remove', 'vboxnet7']);
}

/** A machine as the driver makes it, on host-only adapter vboxnet0. */
function recordMaking() {
  mkdirSync(dev, { recursive: true });
  writeFileSync(join(dev, 'boot2docker.iso'), isoOf('dev'));
  record('showvminfo-unknown', ['showvminfo', 'dev', '--machinereadable']);
  const raw = ['convertfromraw', 'stdin', join(dev, 'disk.vmdk'), String(4 << 20), '--format', 'VMDK'];
  record('convertfromraw', raw, { input: Buffer.alloc(4 << 20, 'x') });
  record('convertfromraw-exists', raw, { input: Buffer.alloc(4 << 20, 'x') });
  record('createvm', ['createvm', '--basefolder', dev, '--name', 'dev', '--register']);
  record('createvm-settings-exist', ['createvm', '--basefolder', dev, '--name', 'dev', '--register']);
  const second = record(
    'createvm-same-name',
    ['createvm', '--basefolder', join(scratch, 'other'), '--name', 'dev', '--register'],
    {
      note: 'another machine of that name is registered',
    },
  );
  record('list-vms-same-name', ['list', 'vms']);
  call(['unregistervm', /UUID: (\S+)/.exec(second.stdout)[1], '--delete']);
  record('createvm-bad-name', ['createvm', '--basefolder', dev, '--name', 'a/b', '--register']);
  call(['unregistervm', 'a/b', '--delete']);
  record('modifyvm', [
    'modifyvm',
    'dev',
    '--ostype',
    'Linux26_64',
    '--cpus',
    '1',
    '--memory',
    '64',
    '--ioapic',
    'on',
    '--nic1',
    'nat',
    '--nictype1',
    '82540EM',
    '--nic2',
    'hostonly',
    '--hostonlyadapter2',
    'vboxnet0',
    '--nictype2',
    '82540EM',
    '--cableconnected2',
    'on',
    '--boot1',
    'dvd',
  ]);
  for (const [name, words] of Object.entries({
    'memory-too-small': ['--memory', '1'],
    'memory-too-big': ['--memory', '999999999'],
    'memory-no-number': ['--memory', 'much'],
    'cpus-too-many': ['--cpus', '999'],
    'cpus-zero': ['--cpus', '0'],
    'unknown-option': ['--no-such-option', 'on'],
    'no-such-adapter': ['--hostonlyadapter2', 'vboxnet7'],
    'unknown-ostype': ['--ostype', 'NoSuchSystem'],
  }))
    record(`modifyvm-${name}`, ['modifyvm', 'dev', ...words]);
  call([
    'modifyvm',
    'dev',
    '--hostonlyadapter2',
    'vboxnet0',
    '--memory',
    '64',
    '--cpus',
    '1',
    '--ostype',
    'Linux26_64',
  ]);
  record('natpf-delete-missing', ['modifyvm', 'dev', '--natpf1', 'delete', 'ssh']);
  record('natpf-add', ['modifyvm', 'dev', '--natpf1', 'ssh,tcp,127.0.0.1,52222,,22']);
  record('natpf-add-exists', ['modifyvm', 'dev', '--natpf1', 'ssh,tcp,127.0.0.1,52223,,22']);
  record('natpf-delete', ['modifyvm', 'dev', '--natpf1', 'delete', 'ssh']);
  call(['modifyvm', 'dev', '--natpf1', 'ssh,tcp,127.0.0.1,52222,,22']);
  record('storagectl', ['storagectl', 'dev', '--name', 'SATA', '--add', 'sata', '--hostiocache', 'on']);
  record('storagectl-exists', [
    'storagectl',
    'dev',
    '--name',
    'SATA',
    '--add',
    'sata',
    '--hostiocache',
    'on',
  ]);
  const attach = (machine, port, type, medium) => [
    'storageattach',
    machine,
    '--storagectl',
    'SATA',
    '--port',
    String(port),
    '--device',
    '0',
    '--type',
    type,
    '--medium',
    medium,
  ];
  record('storageattach-dvd', attach('dev', 0, 'dvddrive', join(dev, 'boot2docker.iso')));
  record('storageattach-disk', attach('dev', 1, 'hdd', join(dev, 'disk.vmdk')));
  record('storageattach-missing-file', attach('dev', 2, 'hdd', join(dev, 'nothing.vmdk')));
  writeFileSync(join(dev, 'garbage.vmdk'), 'no disk at all\n');
  record('storageattach-no-disk', attach('dev', 2, 'hdd', join(dev, 'garbage.vmdk')));
  cpSync(join(dev, 'disk.vmdk'), join(dev, 'copy.vmdk'));
  record('storageattach-uuid-exists', attach('dev', 2, 'hdd', join(dev, 'copy.vmdk')), {
    note: 'a copy of a registered disk',
  });
  record('list-hdds', ['list', 'hdds']);
  record('guestproperty-set', [
    'guestproperty',
    'set',
    'dev',
    '/VirtualBox/GuestAdd/SharedFolders/MountPrefix',
    '/',
  ]);
  record('sharedfolder-add', [
    'sharedfolder',
    'add',
    'dev',
    '--name',
    'hosthome',
    '--hostpath',
    machines,
    '--automount',
  ]);
  record('sharedfolder-add-exists', [
    'sharedfolder',
    'add',
    'dev',
    '--name',
    'hosthome',
    '--hostpath',
    machines,
    '--automount',
  ]);
  record('sharedfolder-add-missing', [
    'sharedfolder',
    'add',
    'dev',
    '--name',
    'gone',
    '--hostpath',
    join(scratch, 'gone'),
    '--automount',
  ]);
  call(['sharedfolder', 'remove', 'dev', '--name', 'gone']);
  record('setextradata', [
    'setextradata',
    'dev',
    'VBoxInternal2/SharedFoldersEnableSymlinksCreate/hosthome',
    '1',
  ]);
  record('showvminfo-poweroff', ['showvminfo', 'dev', '--machinereadable']);
  record('dhcpserver-fixed-address', [
    'dhcpserver',
    'modify',
    '--network',
    'HostInterfaceNetworking-vboxnet0',
    '--vm',
    'dev',
    '--nic',
    '2',
    '--fixed-address',
    '192.168.56.120',
  ]);
  call([
    'dhcpserver',
    'modify',
    '--network',
    'HostInterfaceNetworking-vboxnet0',
    '--mac-address',
    '08:00:27:00:00:01',
    '--fixed-address',
    '192.168.56.121',
  ]);
  record('list-dhcpservers-fixed', ['list', 'dhcpservers']);
  return attach;
}

const showing = 'its host-only card is shown as asked for; the lab carries it by a UDP tunnel';

async function recordStates(attach) {
  const info = (state) =>
    record(`showvminfo-${state}`, ['showvminfo', 'dev', '--machinereadable'], { note: showing });
  record('startvm', ['startvm', 'dev', '--type', 'headless']);
  await until('dev', 'running');
  info('running');
  record('list-vms', ['list', 'vms']);
  record('list-runningvms', ['list', 'runningvms']);
  record('startvm-running', ['startvm', 'dev', '--type', 'headless']);
  record('modifyvm-locked', ['modifyvm', 'dev', '--memory', '128']);
  record('storageattach-running-dvd', attach('dev', 0, 'dvddrive', join(dev, 'boot2docker.iso')));
  record('storageattach-running-disk', attach('dev', 1, 'hdd', 'none'));
  record('unregistervm-locked', ['unregistervm', 'dev', '--delete']);
  record('controlvm-natpf-add', ['controlvm', 'dev', 'natpf1', 'docker,tcp,127.0.0.1,52376,,2376']);
  record('controlvm-natpf-delete-missing', ['controlvm', 'dev', 'natpf1', 'delete', 'nothing']);
  record('controlvm-pause', ['controlvm', 'dev', 'pause']);
  await until('dev', 'paused');
  info('paused');
  record('controlvm-pause-paused', ['controlvm', 'dev', 'pause']);
  record('controlvm-acpipowerbutton-paused', ['controlvm', 'dev', 'acpipowerbutton']);
  record('controlvm-resume', ['controlvm', 'dev', 'resume']);
  record('controlvm-resume-running', ['controlvm', 'dev', 'resume']);
  record('controlvm-acpipowerbutton', ['controlvm', 'dev', 'acpipowerbutton']);
  record('controlvm-savestate', ['controlvm', 'dev', 'savestate']);
  await until('dev', 'saved');
  info('saved');
  record('modifyvm-saved', ['modifyvm', 'dev', '--memory', '128']);
  await abortedSaved();
  info('aborted-saved');
  record('discardstate', ['discardstate', 'dev']);
  record('discardstate-nothing-saved', ['discardstate', 'dev']);
  await aborted();
  info('aborted');
  call(['startvm', 'dev', '--type', 'headless']);
  await until('dev', 'running');
  record('controlvm-poweroff', ['controlvm', 'dev', 'poweroff']);
  await until('dev', 'poweroff');
  record('controlvm-not-running', ['controlvm', 'dev', 'poweroff']);
  record('snapshot-take', ['snapshot', 'dev', 'take', 'before upgrade']);
  record('snapshot-list', ['snapshot', 'dev', 'list', '--machinereadable']);
  record('snapshot-delete-unknown', ['snapshot', 'dev', 'delete', 'nothing'], {
    note: 'the machine has another snapshot',
  });
  record('showvminfo-snapshot', ['showvminfo', 'dev', '--machinereadable'], { note: showing });
  record('snapshot-restore', ['snapshot', 'dev', 'restore', 'before upgrade']);
  record('snapshot-delete', ['snapshot', 'dev', 'delete', 'before upgrade']);
  record('snapshot-list-none', ['snapshot', 'dev', 'list', '--machinereadable']);
  record('snapshot-unknown', ['snapshot', 'dev', 'restore', 'nothing']);

  /** Starts the machine, then its process is killed. */
  async function aborted() {
    call(['startvm', 'dev', '--type', 'headless']);
    await until('dev', 'running');
    for (const pid of headlessPids()) process.kill(pid, 'SIGKILL');
    await until('dev', 'aborted');
  }

  /** Starts the saved machine; its process is killed while it reads the saved state. */
  async function abortedSaved() {
    for (let tries = 0; tries < 20; tries++) {
      const starting = spawn(program, ['startvm', 'dev', '--type', 'headless'], {
        env,
        cwd: scratch,
        stdio: 'ignore',
      });
      const ended = once(starting, 'exit');
      while (headlessPids().length === 0 && starting.exitCode === null) await sleep(5);
      await sleep(20 * tries);
      for (const pid of headlessPids()) process.kill(pid, 'SIGKILL');
      await ended;
      await sleep(500);
      const { stdout } = call(['showvminfo', 'dev', '--machinereadable']);
      if (stdout.includes('VMState="aborted-saved"')) return;
      if (stdout.includes('VMState="saved"')) continue;
      call(['startvm', 'dev', '--type', 'headless']);
      await until('dev', 'running');
      call(['controlvm', 'dev', 'savestate']);
      await until('dev', 'saved');
    }
    throw new Error('the machine did not become aborted-saved');
  }
}

/** Starts that fail, each for a reason of its own. */
function recordFailedStarts() {
  const start = ['startvm', 'dev', '--type', 'headless'];
  rmSync(join(dev, 'boot2docker.iso'));
  record('startvm-image-missing', start);
  writeFileSync(join(dev, 'boot2docker.iso'), isoOf('dev'));
  call(['setextradata', 'global', 'VBoxInternal/EM/IemExecutesAll']);
  call(['setextradata', 'global', 'VBoxInternal/HM/HMForced']);
  call(['setextradata', 'global', 'VBoxInternal/HM/FallbackToIEM']);
  record('startvm-no-hardware-virtualisation', start, {
    ...realOne,
    note: 'driverless, interpreter not allowed',
  });
  call(['modifyvm', 'dev', '--nic2', 'hostonly', '--hostonlyadapter2', 'vboxnet0']);
  for (const setting of ['EM/IemExecutesAll=1', 'HM/HMForced=0', 'HM/FallbackToIEM=1'])
    call(['setextradata', 'global', `VBoxInternal/${setting.split('=')[0]}`, setting.split('=')[1]]);
  record('startvm-no-network-module', start, { ...realOne, note: 'a host-only card without vboxnetflt' });
  // The package's own VBoxHeadless asks for the kernel module.
  const headless = join(lab, 'sid/usr/lib/virtualbox/VBoxHeadless');
  spawnSync('mount', ['--bind', `${headless}.orig`, headless]);
  endService();
  record('startvm-no-kernel-module', start, { ...realOne, note: 'without /dev/vboxdrv' });
  endService();
  spawnSync('umount', [headless]);
}

/** The next call starts a new VBoxSVC, which sees the mounts of now. */
function endService() {
  const { stdout } = spawnSync('pgrep', ['-f', 'VBoxSVC --auto-shutdown']);
  for (const pid of String(stdout).split('\n').filter(Boolean).map(Number)) {
    if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`VBOX_IPC_SOCKETID=${socketId}`))
      process.kill(pid);
  }
  spawnSync('sleep', ['2']);
}

const TRANSIENTS = {
  'not-ready': 'error: The object is not ready',
  'not-locked': 'error: The session is not locked',
  'lock-pending': 'already has a lock request pending',
  'unexpected-process': 'An unexpected process',
  'no-console': 'Failed to get a console object',
};

/** Asks without a pause while the machine starts and stops: for a moment, now and then, the answer is an error. */
function recordTransients() {
  const wanted = new Map(Object.entries(TRANSIENTS));
  const args = ['showvminfo', 'dev', '--machinereadable'];
  const aside = (...words) => spawn(program, words, { env, cwd: scratch, stdio: 'ignore' });
  for (let round = 0; round < 60 && wanted.size > 0; round++) {
    aside('startvm', 'dev', '--type', 'headless');
    let isStopping = false;
    for (let tries = 0; tries < 60; tries++) {
      const answer = call(args);
      const [name] = [...wanted].find(([, text]) => answer.stderr.split('\n', 1)[0].includes(text)) ?? [];
      if (answer.exitCode !== 0 && name !== undefined) {
        wanted.delete(name);
        keep(`transient-${name}`, args, answer, 'while the machine changes its state');
      }
      const isRunning = answer.stdout.includes('VMState="running"');
      if (isRunning && !isStopping) aside('controlvm', 'dev', round % 2 === 0 ? 'poweroff' : 'savestate');
      isStopping ||= isRunning;
      if (isStopping && /VMState="(poweroff|saved)"/.test(answer.stdout)) break;
    }
  }
  console.log(
    wanted.size === 0 ? '     all transient errors seen' : `     not seen: ${[...wanted.keys()].join(', ')}`,
  );
  call(['discardstate', 'dev']);
}

/** A machine whose host-only cards are not the second one; then its files are gone. */
function recordNeighbour() {
  const folder = join(scratch, 'neighbour');
  call(['createvm', '--basefolder', folder, '--name', 'neighbour', '--register']);
  call([
    'modifyvm',
    'neighbour',
    ...['--nic1', 'hostonly', '--hostonlyadapter1', 'vboxnet0'],
    ...['--nic3', 'hostonly', '--hostonlyadapter3', 'vboxnet1'],
  ]);
  const uuid = /UUID="(\S+)"/.exec(
    record('showvminfo-cards-1-and-3', ['showvminfo', 'neighbour', '--machinereadable']).stdout,
  )[1];
  endService();
  const note = 'the files of the machine are gone';
  rmSync(folder, { recursive: true });
  record('list-vms-inaccessible', ['list', 'vms'], { note });
  record('showvminfo-inaccessible', ['showvminfo', uuid, '--machinereadable'], { note });
  call(['unregistervm', uuid]);
}

function recordRemoving() {
  record('unregistervm', ['unregistervm', 'dev', '--delete']);
  record('unregistervm-unknown', ['unregistervm', 'dev', '--delete']);
  record('list-dhcpservers-orphan', ['list', 'dhcpservers'], {
    note: 'the machine of the fixed address is deleted',
  });
  record('hostonlyif-remove', ['hostonlyif', 'remove', 'vboxnet1']);
  record('dhcpserver-remove', ['dhcpserver', 'remove', '--network', 'HostInterfaceNetworking-vboxnet1']);
}

function recordFullAndReadOnlyDisks() {
  const full = join(scratch, 'full');
  mkdirSync(full);
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', full]);
  // Mounted here after the chroot's own mounts were made: the chroot must be given it.
  spawnSync('mount', ['--bind', full, join(lab, 'sid', full)]);
  record(
    'convertfromraw-disk-full',
    ['convertfromraw', 'stdin', join(full, 'disk.vmdk'), String(8 << 20), '--format', 'VMDK'],
    {
      input: Buffer.alloc(8 << 20, 'x'),
    },
  );
  spawnSync('mount', ['-o', 'remount,bind,ro', join(lab, 'sid', full)]);
  record('createvm-read-only', ['createvm', '--basefolder', full, '--name', 'dev', '--register']);
  spawnSync('umount', [join(lab, 'sid', full)]);
  spawnSync('umount', [full]);
}

/** An ISO that no BIOS can boot. */
function isoOf(name) {
  const image = Buffer.alloc(300 << 11);
  image.write('\x01CD001\x01', 16 << 11, 'latin1');
  image.write(name.padEnd(32), (16 << 11) + 40, 'latin1');
  image.write('\xffCD001\x01', 17 << 11, 'latin1');
  return image;
}

spawnSync('ip', ['link', 'set', 'lo', 'up']);
// What comes only now and then stays until it is seen again.
if (only.size === 0) {
  for (const file of existsSync(fixtures) ? readdirSync(fixtures) : []) {
    if (!file.startsWith('transient-')) rmSync(join(fixtures, file));
  }
}
mkdirSync(fixtures, { recursive: true });
mkdirSync(machines, { recursive: true });
try {
  version = call(['--version']).stdout.trim();
  recordHost();
  recordNetworks();
  const attach = recordMaking();
  await recordStates(attach);
  recordTransients();
  recordFailedStarts();
  recordNeighbour();
  recordRemoving();
  recordFullAndReadOnlyDisks();
} finally {
  for (const pid of headlessPids()) process.kill(pid, 'SIGKILL');
  call(['hostonlyif', 'remove', 'vboxnet0']); // ends its switch and its DHCP server
  endService();
  rmSync(scratch, { recursive: true, force: true });
}
