import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tmachineIn } from '../support/cli.js';
import { GUEST_IMAGE, STOCK_IMAGE } from '../support/guest-image.js';

/** Two images that differ in one mark: what counts is that the disk comes through, and that the way back works. */
describe('P39: upgrade of a machine on QEMU', () => {
  let directory: string;
  let tmachine: ReturnType<typeof tmachineIn>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tm-upgrade-'));
    tmachine = tmachineIn(directory);
    const flags = ['-d', 'qemu', '--qemu-boot2docker-url', STOCK_IMAGE];
    expect(await tmachine(['create', ...flags, 'dev'], { timeoutMs: 600_000 })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const load =
      'sudo docker import /usr/share/tmachine/rootfs.tar box && sudo docker run --name kept box touch /kept';
    expect(await tmachine(['ssh', 'dev', load], { timeoutMs: 120_000 })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  afterAll(async () => {
    await tmachine(['rm', '-f', 'dev'], { timeoutMs: 120_000 });
    await rm(directory, { recursive: true, force: true });
  });

  const bootImage = async () =>
    (await tmachine(['ssh', 'dev', 'grep -c seed=1 /proc/cmdline'])).stdout.trim();
  const contents = async () =>
    (await tmachine(['ssh', 'dev', 'sudo docker ps -aq --filter name=kept | wc -l; sudo docker diff kept']))
      .stdout;

  test('the machine boots from the other image, with its images, containers and certificates', async () => {
    expect(await bootImage()).toBe('0');
    const outcome = await tmachine(['upgrade', '--image', GUEST_IMAGE, 'dev'], { timeoutMs: 600_000 });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout.split('\n').filter((line) => !line.startsWith('('))).toEqual([
      'Waiting for SSH to be available...',
      'Detecting the provisioner...',
      'Upgrading docker...',
      'Stopping machine to do the upgrade...',
      'Upgrading machine "dev"...',
      'Starting machine back up...',
      'Waiting for SSH to be available...',
      'Detecting the provisioner...',
      '"dev" has v26.1.5 now (it had v26.1.5).',
      '',
    ]);
    expect(await bootImage()).toBe('1');
    expect(await contents()).toBe('1\nA /kept\n');
    expect((await tmachine(['env', 'dev'])).status).toBe(0);
  });

  test('the same again leaves it running', async () => {
    const outcome = await tmachine(['upgrade', '--image', GUEST_IMAGE, 'dev'], { timeoutMs: 600_000 });
    expect(outcome.stdout).toContain('"dev" has this image already (v26.1.5).');
  });

  test('--rollback goes back to the image before, and the disk stays', async () => {
    const outcome = await tmachine(['upgrade', '--rollback', 'dev'], { timeoutMs: 600_000 });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(await bootImage()).toBe('0');
    expect(await contents()).toBe('1\nA /kept\n');
    const image = await readFile(join(directory, 'machines', 'dev', 'boot2docker.iso'));
    expect(image.equals(await readFile(STOCK_IMAGE))).toBe(true);
  });
});
