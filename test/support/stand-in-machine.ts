import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { SystemLoopbackPorts } from '../../src/host/loopback-ports.js';
import type { Lack } from './describe-here.js';

const ENGINE_PORT = 2376;

/** A guest that runs in QEMU in the place of a VirtualBox machine. */
export interface StandIn {
  stop(): Promise<void>;
}

/** Why no stand-in can run here; undefined when one can. */
export function noStandIn(): Lack | undefined {
  if (process.getuid?.() !== 0) return { why: 'needs root, for an address of its own', isMendable: false };
  const folders = (process.env['PATH'] ?? '').split(':');
  const missing = ['qemu-system-x86_64', 'ip'].filter(
    (program) => !folders.some((folder) => existsSync(join(folder, program))),
  );
  return missing.length === 0 ? undefined : { why: `not installed: ${missing.join(', ')}`, isMendable: true };
}

/**
 * Boots the machine that a VirtualBox settings file describes, with its disk and its image, in QEMU: what VirtualBox would do, where it cannot
 * run. SSH is at the port that the file forwards. The host-only card is in a network of its own whose DHCP gives it `address`; this computer
 * takes that address too, on its loopback, and hands on what comes for the engine.
 */
export async function bootStandIn(directory: string, name: string, address: string): Promise<StandIn> {
  const settings = readFileSync(join(directory, name, `${name}.vbox`), 'utf8');
  const [natMac, hostOnlyMac] = [...settings.matchAll(/MACAddress="([0-9A-F]{12})"/g)].map(([, mac = '']) =>
    (mac.match(/../g) ?? []).join(':'),
  );
  const sshPort = /<Forwarding name="ssh"[^>]* hostport="(\d+)"/.exec(settings)?.[1];
  if (natMac === undefined || hostOnlyMac === undefined || sshPort === undefined) {
    throw new Error(`not the settings of a machine with two cards and a forward:\n${settings}`);
  }
  const enginePort = await new SystemLoopbackPorts('linux').free();
  const guest = startQemu(directory, { natMac, hostOnlyMac, sshPort, enginePort, address });
  const ended = new Promise((resolve) => guest.once('exit', resolve));
  changeAddress('add', address);
  // Not by QEMU itself: it would show the guest its own address as the caller's.
  const server = createServer((socket) => {
    const onward = connect(enginePort, '127.0.0.1');
    for (const end of [socket, onward])
      end.on('error', () => [socket, onward].forEach((it) => void it.destroy()));
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(ENGINE_PORT, address, resolve));
  return {
    stop: async () => {
      guest.kill('SIGKILL');
      await ended;
      server.close();
      changeAddress('del', address);
    },
  };
}

function changeAddress(verb: 'add' | 'del', address: string): void {
  execFileSync('ip', ['address', verb, `${address}/32`, 'dev', 'lo'], { stdio: 'ignore' });
}

function startQemu(
  directory: string,
  its: {
    readonly natMac: string;
    readonly hostOnlyMac: string;
    readonly sshPort: string;
    readonly enginePort: number;
    readonly address: string;
  },
): ChildProcess {
  const log = openSync(join(directory, 'stand-in.log'), 'w');
  const image = `file=${join(directory, 'boot2docker.iso')},format=raw,readonly=on`;
  const network = its.address.replace(/\.\d+$/, '');
  const args = [
    ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024'],
    ...['-display', 'none', '-nodefaults', '-no-user-config', '-device', 'virtio-rng-pci'],
    ...['-drive', `if=none,id=disk,file=${join(directory, 'disk.vmdk')},format=vmdk`],
    ...['-device', 'ide-hd,drive=disk,bus=ide.1'],
    ...[
      '-drive',
      `if=none,id=image,media=cdrom,${image}`,
      '-device',
      'ide-cd,drive=image,bus=ide.0,bootindex=0',
    ],
    ...['-netdev', `user,id=nat,hostfwd=tcp:127.0.0.1:${its.sshPort}-:22`],
    ...['-device', `e1000,netdev=nat,mac=${its.natMac}`],
    '-netdev',
    `user,id=only,restrict=on,net=${network}.0/24,host=${network}.1,dhcpstart=${its.address},` +
      `hostfwd=tcp:127.0.0.1:${its.enginePort}-${its.address}:${ENGINE_PORT}`,
    ...['-device', `e1000,netdev=only,mac=${its.hostOnlyMac}`],
    ...['-serial', `file:${join(directory, 'console.log')}`],
  ];
  return spawn('qemu-system-x86_64', args, { stdio: ['ignore', log, log] });
}
