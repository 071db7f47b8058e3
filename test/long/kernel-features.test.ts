import { execFile } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
const here = import.meta.dirname;

/** The cache that guest builds use by default: a kernel built before is not built again for this test. */
function defaultCache(): string {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['TMACHINE_GUEST_CACHE'] ?? join(cacheHome, 'tmachine', 'guest');
}

describe('the guest kernel, started in QEMU without hardware virtualisation', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let kernel: string;

  beforeAll(async () => {
    directory = await temporaryDirectory('kernel-features');
    await run(join(here, '../../guest/kernel/build'), ['--cache', defaultCache(), '--out', directory.path]);
    kernel = join(directory.path, 'vmlinuz');
  });
  afterAll(() => directory.remove());

  /** Starts the kernel with an init script and the packages it uses; resolves to what the serial console showed. */
  async function boot(init: string, packages: string[], devices: string[]): Promise<string> {
    const work = join(directory.path, init);
    await run(join(here, 'guest-kernel/pack'), [work, join(here, 'guest-kernel', init), ...packages]);
    const { stdout } = await run(
      'qemu-system-x86_64',
      [
        ...['-accel', 'tcg', '-smp', '2', '-m', '1024', '-nographic', '-no-reboot', '-machine', 'q35'],
        ...['-kernel', kernel, '-initrd', join(work, 'initramfs')],
        // clearcpuid: as the image starts it, for the fault of QEMU 7.2 that guest/lib/image.sh explains.
        ...['-append', 'console=ttyS0 quiet panic=-1 clearcpuid=cx16'],
        ...devices,
      ],
      { timeout: 600_000, maxBuffer: 2 ** 24 },
    );
    expect(stdout).toMatch(/^done\r?$/m);
    return stdout.replaceAll('\r', '');
  }

  test('every disk, network card and other device that a driver may attach is found', async () => {
    /** Size in MiB to the controller it hangs on: the size tells the disks apart. */
    const controllers = [
      'virtio-blk-pci',
      'scsi-hd,bus=virtioscsi.0',
      'nvme,serial=1',
      'ide-hd,bus=ide.0',
      'scsi-hd,bus=pvscsi.0',
    ];
    const disks: string[] = [];
    for (const [index, controller] of controllers.entries()) {
      const file = join(directory.path, `disk${index}`);
      await writeFile(file, '');
      await truncate(file, (index + 1) * 2 ** 20);
      disks.push(
        '-drive',
        `file=${file},format=raw,if=none,id=disk${index}`,
        '-device',
        `${controller},drive=disk${index}`,
      );
    }
    const share = join(directory.path, 'share');
    await mkdir(share);
    await writeFile(join(share, 'hello'), 'from the host');
    const cards = ['virtio-net-pci', 'e1000', 'e1000e', 'pcnet', 'vmxnet3'];
    const serial = await boot(
      'devices.sh',
      ['busybox-static'],
      [
        ...[
          '-device',
          'virtio-scsi-pci,id=virtioscsi',
          '-device',
          'pvscsi,id=pvscsi',
          ...disks,
          '-cdrom',
          join(directory.path, 'disk4'),
        ],
        ...cards.flatMap((model) => ['-nic', `user,model=${model}`]),
        ...[
          '-device',
          'virtio-balloon',
          '-device',
          'virtio-rng-pci',
          '-device',
          'virtio-serial',
          '-device',
          'vmgenid',
        ],
        ...[
          '-fsdev',
          `local,id=share,path=${share},security_model=none`,
          '-device',
          'virtio-9p-pci,fsdev=share,mount_tag=share',
        ],
      ],
    );
    const sectors = [...serial.matchAll(/^disk (\d+) /gm)].map(([, size]) => Number(size) / 2048);
    // The fifth size twice: the disk on the VMware controller and the same file in the CD drive.
    expect(sectors.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 5]);
    const drivers = [...serial.matchAll(/^card (\S+)$/gm)].map(([, driver]) => driver);
    expect(drivers.sort()).toEqual(['e1000', 'e1000e', 'pcnet32', 'virtio_net', 'vmxnet3']);
    // Bridges, the screen and the system management bus need none.
    const driverless = [...serial.matchAll(/^driverless (\S+)$/gm)].map(([, kind]) => kind);
    expect(driverless.filter((kind) => !/^0x(06|03|0c05)/.test(kind ?? ''))).toEqual([]);
    expect(serial).toContain('random virtio_rng.0\n');
    expect(serial).toContain('share from the host\n');
    expect(serial).toContain('vboxsf offered\n');
    expect(serial).toContain('input Power Button\n');
    expect(serial).toContain('input AT Translated Set 2 keyboard\n');
  });

  test('everything that the engine, swarm and containers ask of a kernel works', async () => {
    const packages = [
      'iproute2',
      'iptables',
      'nftables',
      'ipset',
      'ipvsadm',
      'procps',
      'util-linux',
      'mount',
      'e2fsprogs',
    ];
    const serial = await boot('features.sh', [...packages, 'busybox-static'], ['-nic', 'none']);
    expect(serial.match(/^fail .*/gm) ?? []).toEqual([]);
    expect(serial.match(/^ok /gm)?.length).toBeGreaterThan(100);
  });
});
