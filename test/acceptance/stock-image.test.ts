import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runProgram, tmachineIn } from '../support/cli.js';
import { STOCK_IMAGE } from '../support/guest-image.js';

/** The image without its mark behaves like stock boot2docker: certificates come over SSH after the first boot. */
describe('a machine from an image without one-step provisioning', () => {
  let directory: string;
  let tmachine: ReturnType<typeof tmachineIn>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tm-stock-'));
    tmachine = tmachineIn(directory);
  });

  afterAll(async () => {
    await tmachine(['rm', '-f', 'stock']);
    await rm(directory, { recursive: true, force: true });
  });

  test('is provisioned over SSH to an engine with our certificates', async () => {
    const created = await tmachine(
      [
        'create',
        '-d',
        'qemu',
        '--qemu-boot2docker-url',
        STOCK_IMAGE,
        '--engine-label',
        "it's=quoted",
        '--engine-env',
        'GREETING=a $b `c` "d"',
        'stock',
      ],
      { timeoutMs: 900_000 },
    );
    expect(created).toMatchObject({ status: 0, stderr: '' });
    expect(created.stdout).toContain('Docker is up and running!');
    const version = await tmachine(['version', 'stock']);
    expect(version.stdout).toMatch(/^26\./);
  });

  test('leaves the same files in the guest as one-step provisioning does', async () => {
    const files = await tmachine([
      'ssh',
      'stock',
      'cd /var/lib/boot2docker && sudo stat -c "%a %U %n" ca.pem server.pem server-key.pem profile etc/hostname',
    ]);
    expect(files.stdout.trim().split('\n')).toEqual([
      '644 root ca.pem',
      '644 root server.pem',
      '600 root server-key.pem',
      '600 root profile',
      expect.stringMatching(/^\d+ root etc\/hostname$/),
    ]);
    expect((await tmachine(['ssh', 'stock', 'hostname'])).stdout.trim()).toBe('stock');
  });

  test('engine settings arrive as they were given, whatever characters they hold', async () => {
    const url = (await tmachine(['url', 'stock'])).stdout.trim();
    const machine = join(directory, 'machines', 'stock');
    const tls = ['--cacert', 'ca.pem', '--cert', 'cert.pem', '--key', 'key.pem'];
    const info = await runProgram(
      'curl',
      ['-sS', '--noproxy', '*', ...tls, `${url.replace('tcp:', 'https:')}/info`],
      { cwd: machine },
    );
    expect(JSON.parse(info.stdout).Labels).toEqual(expect.arrayContaining(["it's=quoted", 'provider=qemu']));
    const environment = await tmachine([
      'ssh',
      'stock',
      'sudo cat /proc/$(cat /var/run/docker.pid)/environ | tr "\\0" "\\n" | grep ^GREETING',
    ]);
    expect(environment.stdout.trim()).toBe('GREETING=a $b `c` "d"');
  });
});
