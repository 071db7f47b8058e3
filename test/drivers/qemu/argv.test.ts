import { describe, expect, test } from '@jest/globals';
import { optionValue, type QemuStart, qemuArguments } from '../../../src/drivers/qemu/argv.js';

const START: QemuStart = {
  machineName: 'dev-1.x',
  runId: '0a1b2c3d',
  memoryMb: 1024,
  cpuCount: 2,
  accelerator: 'tcg',
  toolkit: { version: { major: 7, minor: 2 } },
  hostArch: 'x64',
  sshPort: 40022,
  enginePort: 42376,
  monitorPort: 0,
};

/** The values of every `name` among the arguments. */
function valuesOf(args: readonly string[], name: string): string[] {
  return args.flatMap((arg, index) => (arg === name ? [args[index + 1] ?? ''] : []));
}

test('the whole command line of a machine without hardware virtualization', () => {
  expect(qemuArguments(START)).toEqual([
    ...['-name', 'dev-1.x', '-nodefaults', '-no-user-config', '-machine', 'q35'],
    ...['-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'max', '-smp', '2', '-m', '1024'],
    ...['-display', 'none', '-vga', 'std', '-rtc', 'base=utc', '-device', 'virtio-rng-pci'],
    '-drive',
    'if=none,id=disk,file=disk.qcow2,format=qcow2,cache=writeback,aio=threads,discard=unmap,detect-zeroes=off',
    ...['-device', 'virtio-blk-pci,drive=disk'],
    ...['-drive', 'if=none,id=image,media=cdrom,file=boot2docker.iso,format=raw,readonly=on'],
    ...['-device', 'ide-cd,drive=image,bus=ide.0,bootindex=0'],
    '-netdev',
    'user,id=net,hostfwd=tcp:127.0.0.1:40022-:22,hostfwd=tcp:127.0.0.1:42376-:2376',
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-chardev', 'file,id=console,path=qemu-0a1b2c3d.console,append=on', '-serial', 'chardev:console'],
    ...['-chardev', 'socket,id=monitor,path=qemu-0a1b2c3d.sock,server=on,wait=off'],
    ...['-mon', 'chardev=monitor,mode=control', '-pidfile', 'qemu-0a1b2c3d.pid'],
  ]);
});

describe('accelerators', () => {
  test.each([
    ['kvm', 7, 'x64', 'kvm', 'host'],
    ['hvf', 9, 'x64', 'hvf', 'host'],
    ['whpx', 9, 'x64', 'whpx,kernel-irqchip=off', 'qemu64'],
    ['whpx', 11, 'x64', 'whpx', 'host'],
    ['tcg', 7, 'x64', 'tcg,thread=multi,tb-size=256', 'max'],
    ['tcg', 7, 'arm64', 'tcg,tb-size=256', 'max'],
  ] as const)('%s of QEMU %d on %s', (accelerator, major, hostArch, accel, cpu) => {
    const args = qemuArguments({
      ...START,
      accelerator,
      hostArch,
      toolkit: { version: { major, minor: 0 } },
    });
    expect(valuesOf(args, '-accel')).toEqual([accel]);
    expect(valuesOf(args, '-cpu')).toEqual([cpu]);
  });
});

test('P11: no argument has a path of the user in it: all files are named relative to the machine', () => {
  for (const monitorPort of [0, 4444]) {
    for (const arg of qemuArguments({ ...START, monitorPort })) {
      expect(arg).not.toMatch(/\\|(^|[=:])\/|~/);
    }
  }
});

test('nothing but this computer can reach the machine', () => {
  const [netdev = ''] = valuesOf(qemuArguments(START), '-netdev');
  const forwards = netdev.split(',').filter((part) => part.startsWith('hostfwd='));
  expect(forwards).toHaveLength(2);
  for (const forward of forwards) expect(forward).toMatch(/^hostfwd=tcp:127\.0\.0\.1:\d+-:\d+$/);
});

test('without Unix sockets the control connection is TLS on 127.0.0.1 with a key of its own', () => {
  const args = qemuArguments({ ...START, monitorPort: 4444 });
  expect(valuesOf(args, '-object')).toEqual(['tls-creds-psk,id=keys,dir=qemu-0a1b2c3d.keys,endpoint=server']);
  expect(valuesOf(args, '-chardev')).toContain(
    'socket,id=monitor,host=127.0.0.1,port=4444,server=on,wait=off,tls-creds=keys',
  );
});

test('a comma in a value is doubled', () => {
  expect(optionValue('a,b c,')).toBe('a,,b c,,');
});
