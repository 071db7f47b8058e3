import { DISK_FILE, IMAGE_FILE, runFileNames } from './files.js';
import type { Accelerator, Toolkit } from './toolkit.js';

/** All that one start of QEMU depends on. */
export interface QemuStart {
  readonly machineName: string;
  readonly runId: string;
  readonly memoryMb: number;
  readonly cpuCount: number;
  readonly accelerator: Accelerator;
  readonly toolkit: Pick<Toolkit, 'version'>;
  /** Of this computer, as `process.arch` says it. */
  readonly hostArch: string;
  /** Both on 127.0.0.1. */
  readonly sshPort: number;
  readonly enginePort: number;
  /** 0: the control connection is a Unix socket; else TLS on this port of 127.0.0.1. */
  readonly monitorPort: number;
}

/** The engine's port in the guest. */
export const GUEST_ENGINE_PORT = 2376;
const GUEST_SSH_PORT = 22;

/**
 * QEMU's arguments, the same on every platform. All files are named relative to the machine's directory, in which QEMU runs: a user's path
 * with commas, blanks or letters outside ASCII never meets QEMU's option parser (P11).
 */
export function qemuArguments(start: QemuStart): string[] {
  const names = runFileNames(start.runId);
  return [
    ...['-name', optionValue(start.machineName)],
    // Neither default devices nor the user's own QEMU configuration: the machine is what is written here.
    ...['-nodefaults', '-no-user-config'],
    ...['-machine', 'q35'],
    ...acceleratorArguments(start),
    ...['-smp', String(start.cpuCount), '-m', String(start.memoryMb)],
    ...['-display', 'none', '-vga', 'std'],
    ...['-rtc', 'base=utc'],
    ...['-device', 'virtio-rng-pci'],
    ...diskArguments(),
    ...cdromArguments(),
    ...networkArguments(start),
    // `append`: the file is made beforehand with mode 0600, and QEMU shall not make it anew.
    ...['-chardev', `file,id=console,path=${names.console},append=on`, '-serial', 'chardev:console'],
    ...monitorArguments(start),
    ...['-pidfile', names.pid],
  ];
}

/**
 * What TCG keeps of translated code. By itself QEMU takes up to 1 GiB: after some builds a machine of 1 GB held 1.6 GB of this
 * computer's memory, with this limit 0.86 GB, for the same processor time.
 */
const TRANSLATION_MIB = 256;

/** How the accelerator and the processor that goes with it are named; the trial start uses the same. */
export function acceleratorArguments(start: {
  readonly accelerator: Accelerator;
  readonly toolkit: Pick<Toolkit, 'version'>;
  readonly hostArch: string;
}): string[] {
  switch (start.accelerator) {
    case 'kvm':
    case 'hvf':
      return ['-accel', start.accelerator, '-cpu', 'host'];
    case 'whpx':
      // Before QEMU 11, WHPX knows no `-cpu host`, stops at `-cpu max`, and loses interrupts with its own interrupt controller
      // (https://gitlab.com/qemu-project/qemu/-/issues/346). From 11 on the defaults are right.
      return start.toolkit.version.major < 11
        ? ['-accel', 'whpx,kernel-irqchip=off', '-cpu', 'qemu64']
        : ['-accel', 'whpx', '-cpu', 'host'];
    case 'tcg':
      // One thread for each processor. On hosts with a weaker memory order than the guest's QEMU itself knows whether it may.
      return [
        '-accel',
        `tcg${start.hostArch === 'x64' ? ',thread=multi' : ''},tb-size=${TRANSLATION_MIB}`,
        '-cpu',
        'max',
      ];
  }
}

/**
 * The guest's flushes reach the host's disk (writeback, not unsafe): what the guest has synced survives a power cut. Deleted files give
 * their space back (discard). Zeroes that the guest writes are written as zeroes: it wipes keys so (detect-zeroes=off).
 */
function diskArguments(): string[] {
  const options = 'format=qcow2,cache=writeback,aio=threads,discard=unmap,detect-zeroes=off';
  return [
    ...['-drive', `if=none,id=disk,file=${DISK_FILE},${options}`],
    ...['-device', 'virtio-blk-pci,drive=disk'],
  ];
}

/** AHCI: every boot2docker knows it, and SeaBIOS reads from it by DMA. */
function cdromArguments(): string[] {
  return [
    ...['-drive', `if=none,id=image,media=cdrom,file=${IMAGE_FILE},format=raw,readonly=on`],
    ...['-device', 'ide-cd,drive=image,bus=ide.0,bootindex=0'],
  ];
}

/** Reachable from this computer alone. No boot ROM: Debian ships it in a package of its own, and nobody boots from the network here. */
function networkArguments(start: QemuStart): string[] {
  const forwards = [
    `hostfwd=tcp:127.0.0.1:${start.sshPort}-:${GUEST_SSH_PORT}`,
    `hostfwd=tcp:127.0.0.1:${start.enginePort}-:${GUEST_ENGINE_PORT}`,
  ];
  return [
    ...['-netdev', `user,id=net,${forwards.join(',')}`],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
  ];
}

function monitorArguments(start: QemuStart): string[] {
  const names = runFileNames(start.runId);
  if (start.monitorPort === 0) {
    return [
      ...['-chardev', `socket,id=monitor,path=${names.socket},server=on,wait=off`],
      ...['-mon', 'chardev=monitor,mode=control'],
    ];
  }
  return [
    ...['-object', `tls-creds-psk,id=keys,dir=${names.keys},endpoint=server`],
    ...[
      '-chardev',
      `socket,id=monitor,host=127.0.0.1,port=${start.monitorPort},server=on,wait=off,tls-creds=keys`,
    ],
    ...['-mon', 'chardev=monitor,mode=control'],
  ];
}

/** Inside an option a comma is written twice. */
export function optionValue(text: string): string {
  return text.replaceAll(',', ',,');
}
