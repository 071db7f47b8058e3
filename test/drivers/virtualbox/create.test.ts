import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, open as openFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { newMac, newUuid, uuidOfPath } from '../../../src/drivers/virtualbox/identifiers.js';
import { renderSettingsFile } from '../../../src/drivers/virtualbox/settings-file.js';
import { makeVmdk } from '../../../src/drivers/virtualbox/vmdk.js';
import { context, stored } from '../../contract/driver-contract.js';
import { refusal } from '../../support/fake-virtualbox.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { failedCall } from '../../support/vboxmanage-recordings.js';
import { Bench, type BenchOptions } from './bench.js';

const UUID = '00000000-0000-4000-8000-000000000001';

let bench: Bench | undefined;
afterEach(async () => {
  await bench?.remove();
  bench = undefined;
});

async function open(options: BenchOptions = {}): Promise<Bench> {
  bench = await Bench.open(options);
  return bench;
}

describe('what is made', () => {
  test('the disk is what qemu-img takes for a whole VMDK that reads as the head, then zeros', async () => {
    const room = await temporaryDirectory('vmdk');
    try {
      const head = new Uint8Array(400_000).fill(7, 0, 4096).fill(9, 65_536, 70_000);
      const disk = makeVmdk({
        sizeBytes: 1200 * 2 ** 20,
        head,
        uuid: UUID,
        modificationUuid: UUID,
        fileName: 'disk.vmdk',
      });
      await writeFile(join(room.path, 'disk.vmdk'), disk);
      const qemuImg = (...args: readonly string[]) =>
        promisify(execFile)('qemu-img', args, { cwd: room.path });
      await qemuImg('check', '-f', 'vmdk', 'disk.vmdk');
      await qemuImg('convert', '-f', 'vmdk', '-O', 'raw', 'disk.vmdk', 'disk.raw');
      expect((await stat(join(room.path, 'disk.raw'))).size).toBe(1200 * 2 ** 20);
      const file = await openFile(join(room.path, 'disk.raw'));
      const { buffer } = await file.read(Buffer.alloc(2 ** 20), 0, 2 ** 20, 0).finally(() => file.close());
      expect(Buffer.compare(buffer.subarray(0, head.length), head)).toBe(0);
      expect(buffer.subarray(head.length).every((byte) => byte === 0)).toBe(true);
      expect(disk.length).toBeLessThan(2 ** 20);
    } finally {
      await room.remove();
    }
  });

  test('P11: awkward paths and names arrive whole in VirtualBox\u2019s settings file', () => {
    const folder = 'C:\\Users\\K\u00e4ytt\u00e4j\u00e4 O\'Neil & "X" <1>';
    const text = renderSettingsFile(
      {
        name: 'dev',
        uuid: UUID,
        memoryMb: 1024,
        cpuCount: 1,
        imagePath: `${folder}\\boot2docker.iso`,
        imageUuid: UUID,
        diskPath: `${folder}\\disk.vmdk`,
        diskUuid: UUID,
        consolePath: `${folder}\\console.log`,
        dnsProxy: true,
        hostDnsResolver: false,
        nat: { nicType: '82540EM', mac: '080027000001' },
        forwards: [],
        shares: [{ name: 'c/Users', hostPath: '\\\\?\\c:\\Users' }],
      },
      'win32',
      0,
    );
    expect(text).toContain(
      `location="C:\\Users\\K\u00e4ytt\u00e4j\u00e4 O'Neil &amp; &quot;X&quot; &lt;1&gt;\\disk.vmdk"`,
    );
    expect(text).toContain('hostPath="\\\\?\\c:\\Users"');
    expect(text).toContain('version="1.14-windows"');
    expect(text).not.toContain('slot="1"');
  });

  test.each<[string, BenchOptions['flags'], RegExp[]]>([
    ['sizes', { 'virtualbox-memory': 2048, 'virtualbox-cpu-count': 3 }, [/RAMSize="2048"/, /CPU count="3"/]],
    ['all processors', { 'virtualbox-cpu-count': -1 }, [/CPU count="4"/]],
    ['no DNS proxy', { 'virtualbox-no-dns-proxy': true }, [/use-proxy="false"/]],
    ['the host\u2019s resolver', { 'virtualbox-host-dns-resolver': true }, [/use-host-resolver="true"/]],
    [
      'other cards',
      { 'virtualbox-nat-nictype': 'virtio', 'virtualbox-hostonly-nictype': 'Am79C973' },
      [/slot="0"[^>]*type="virtio"/, /slot="1"[^>]*type="Am79C973"/],
    ],
    [
      'shared folders',
      { 'virtualbox-no-share': false, 'virtualbox-share-folder': ['/tmp:a', '/usr:b'] },
      [
        /SharedFolder name="a" hostPath="\/tmp" writable="true" autoMount="true"/,
        /SharedFolder name="b" hostPath="\/usr"/,
        /SharedFoldersEnableSymlinksCreate\/b" value="1"/,
        /SharedFolders\/MountPrefix" value="\/"/,
      ],
    ],
  ])('flags reach the machine: %s', async (_what, flags, patterns) => {
    const { machine, ...at } = await created({ flags: { ...flags } });
    const text = await readFile(join(machine.directory, 'dev', 'dev.vbox'), 'utf8');
    for (const pattern of patterns) expect(text).toMatch(pattern);
    expect(at.box.vms).toHaveLength(1);
  });

  test('all of it is private, and the record says docker-machine\u2019s key path and a free port', async () => {
    const { machine } = await created();
    for (const file of ['disk.vmdk', 'dev', 'dev/dev.vbox']) {
      expect((await stat(join(machine.directory, file))).mode & 0o077).toBe(0);
    }
    expect(machine.settings.config).toMatchObject({
      SSHUser: 'docker',
      SSHPort: expect.any(Number),
      SSHKeyPath: join(machine.directory, 'id_rsa'),
    });
    expect(machine.settings.config['SSHPort']).toBeGreaterThan(0);
  });

  test('identifiers are well formed; a path has always the same', async () => {
    const { ports } = await open();
    expect(newUuid(ports.random)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(newMac(ports.random)).toMatch(/^080027[0-9A-F]{6}$/);
    expect(uuidOfPath('/a')).toBe(uuidOfPath('/a'));
    expect(uuidOfPath('/a')).not.toBe(uuidOfPath('/b'));
  });
});

async function created(options: BenchOptions = {}): Promise<Bench> {
  const at = await open(options);
  await at.create();
  return at;
}

describe('P28: leftovers and strangers', () => {
  test('a disk that VirtualBox remembers is forgotten, and the machine made', async () => {
    const at = await open();
    at.box.inject(/^registervm/, failedCall('unknown-windows/createhd-registered'));
    await at.create();
    expect(at.box.closedDisks).toContain(join(at.machine.directory, 'disk.vmdk'));
    expect(at.box.vms).toHaveLength(1);
  });

  test('another refusal is told, and what was written can be removed', async () => {
    const at = await open();
    at.box.inject(/^registervm/, refusal('Something odd'));
    await expect(at.create()).rejects.toMatchObject({ code: 'VBOX_FAILED', reason: 'Something odd' });
    await at.driver.remove(at.machine, at.context);
    expect(await readdir(at.machine.directory)).toEqual(['boot2docker.iso']);
  });

  test('a stranger of the same name is refused beforehand, and never touched', async () => {
    const at = await open();
    const other = await Bench.open();
    try {
      await other.create();
      const [stranger] = other.box.vms;
      if (stranger === undefined) throw new Error('no stranger');
      at.box.vms.push(stranger);
      expect(await at.driver.precheck(at.machine, at.context)).toMatchObject([
        { severity: 'refuse', code: 'VBOX_VM_EXISTS' },
      ]);
      expect(await at.driver.state(at.machine, at.context)).toBe('missing');
      await at.create();
      await at.driver.remove(at.machine, at.context);
      expect(at.box.vms).toEqual([stranger]);
    } finally {
      await other.remove();
    }
  });

  test('a machine of docker-machine is known by name and place, also in a store that was moved', async () => {
    const at = await created();
    const theirs = { ...at.machine, settings: { config: at.machine.settings.config, extra: {} } };
    expect(await at.driver.state(theirs, at.context)).toBe('stopped');
    const elsewhere = { ...theirs, directory: '/elsewhere/machines/dev' };
    expect(await at.driver.state(elsewhere, at.context)).toBe('stopped');
    const started = stored(theirs, await at.driver.start(theirs, at.context));
    expect(started.settings.extra).toMatchObject({ uuid: at.box.vm('dev').uuid, adapter: 'vboxnet0' });
    expect(at.driver.endpoint(started).address).toMatchObject({
      kind: 'by-mac',
      mac: expect.stringMatching(/^08:00:27/),
    });
    await at.driver.remove(started, at.context);
    expect(at.box.vms).toEqual([]);
  });

  test('one that was renamed in the window of VirtualBox is still ours', async () => {
    const at = await created();
    at.box.vm('dev').name = 'my docker';
    expect(await at.driver.state(at.machine, at.context)).toBe('stopped');
    await at.driver.remove(at.machine, at.context);
    expect(at.box.vms).toEqual([]);
  });

  test('one whose files were deleted is missing, and remove makes VirtualBox forget it', async () => {
    const at = await created();
    await rm(join(at.machine.directory, 'dev'), { recursive: true });
    at.box.inject(
      /^showvminfo/,
      refusal('The object functionality is limited'),
      refusal('The object functionality is limited'),
    );
    expect(await at.driver.state(at.machine, at.context)).toBe('missing');
    await at.driver.remove(at.machine, at.context);
    expect(at.box.vms).toEqual([]);
  });

  test('a running one is not replaced', async () => {
    const at = await created();
    await at.start();
    await expect(at.create()).rejects.toMatchObject({ code: 'VBOX_RUNNING' });
  });
});

describe('importing a machine of boot2docker\u2019s own program', () => {
  const flags = { 'virtualbox-import-boot2docker-vm': 'boot2docker-vm' };
  const info = { stdout: 'name="boot2docker-vm"\n"SATA-1-0"="/old/boot2docker.vmdk"\nmemory=2048\ncpus=3\n' };

  test('its disk is copied, its sizes and its key are taken over', async () => {
    const room = await temporaryDirectory('home');
    try {
      await mkdir(join(room.path, '.ssh'));
      for (const ending of ['', '.pub'])
        await writeFile(join(room.path, '.ssh', `id_boot2docker${ending}`), `key${ending}`);
      const at = await open({ flags, facts: { homeDirectory: room.path } });
      at.box.inject(
        /^controlvm boot2docker-vm/,
        refusal("Machine 'boot2docker-vm' is not currently running."),
      );
      at.box.inject(/^showvminfo boot2docker-vm/, info);
      const disk = join(at.machine.directory, 'disk.vmdk');
      at.box.inject(/^clonemedium/, {
        stdout: `0%...100%\nClone medium created in format 'VMDK'. UUID: ${UUID}\n`,
        effect: () => writeFileSync(disk, 'cloned', { mode: 0o600 }),
      });
      await at.create();
      expect(at.box.calls).toContain(`clonemedium disk /old/boot2docker.vmdk ${disk} --format VMDK`);
      const text = await readFile(join(at.machine.directory, 'dev', 'dev.vbox'), 'utf8');
      expect(text).toContain(`<HardDisk uuid="{${UUID}}"`);
      expect(at.machine.settings.config).toMatchObject({ CPU: 3, Memory: 2048 });
      expect(at.driver.bringsSshKey?.(at.machine.settings)).toBe(true);
      expect(await readFile(join(at.machine.directory, 'id_rsa'), 'utf8')).toBe('key');
      expect((await stat(join(at.machine.directory, 'id_rsa'))).mode & 0o777).toBe(0o600);
    } finally {
      await room.remove();
    }
  });

  test('one that is not there is refused before anything is made', async () => {
    const at = await open({ flags });
    expect(await at.driver.precheck(at.machine, at.context)).toMatchObject([
      { severity: 'refuse', code: 'VBOX_IMPORT_MISSING' },
    ]);
  });

  test('one without a disk, a copy without a UUID, and a key that is gone, are told', async () => {
    const at = await open({ flags });
    at.box.inject(/^showvminfo boot2docker-vm/, { stdout: '"SATA-1-0"="none"\n' }, info, info);
    await expect(at.create()).rejects.toMatchObject({ code: 'VBOX_IMPORT_NO_DISK' });
    at.box.inject(/^clonemedium/, { stdout: '0%...100%\n' }, { stdout: `UUID: ${UUID}\n` });
    await expect(at.create()).rejects.toMatchObject({
      code: 'VBOX_GARBLED',
      reason: expect.stringContaining('0%...100%'),
    });
    await expect(at.create()).rejects.toMatchObject({ code: 'VBOX_IMPORT_NO_KEY' });
  });
});

/** As many calls as create and start make, with the network made anew. */
const CALLS = 9;

describe('P28: killed at any call, before or after VirtualBox did it, create again and rm leave nothing', () => {
  const points = Array.from({ length: CALLS }, (_, index) => index + 1).flatMap((count) => [
    [count, 'before'] as const,
    [count, 'after'] as const,
  ]);

  test.each(points)('at call %d, %s it had its effect', async (count, moment) => {
    const at = await open();
    const real = at.box.run.bind(at.box);
    let calls = 0;
    at.box.run = async (file, args, options) => {
      calls += 1;
      if (calls !== count) return real(file, args, options);
      if (moment === 'after') await real(file, args, options);
      throw new Error('killed');
    };
    const before = at.machine;
    await expect(at.create().then(() => at.start())).rejects.toThrow('killed');
    at.box.run = real;
    // What was returned by a step that ended is in the record, what the killed one would have returned is not.
    const driver = at.anotherProcess();
    const again = stored(before, at.machine.settings);
    const disk = { imagePath: at.imagePath, head: new Uint8Array(512) };
    // As core has it: what is created already is gone on with.
    const isMade = again.settings.extra['uuid'] !== '';
    const made = isMade ? again : stored(again, await driver.create(again, disk, context()));
    const started = stored(made, await driver.start(made, context()));
    expect(at.box.vms.map(({ state }) => state)).toEqual(['running']);
    expect(at.box.adapters).toHaveLength(1);
    await driver.remove(started, context());
    expect([at.box.vms, at.box.adapters, at.box.servers]).toEqual([[], [], []]);
    expect(await readdir(at.machine.directory)).toEqual(['boot2docker.iso']);
  });

  test.each(points)('at call %d, %s: rm alone is enough, too', async (count, moment) => {
    const at = await open();
    const real = at.box.run.bind(at.box);
    let calls = 0;
    at.box.run = async (file, args, options) => {
      calls += 1;
      if (calls !== count) return real(file, args, options);
      if (moment === 'after') await real(file, args, options);
      throw new Error('killed');
    };
    await expect(at.create().then(() => at.start())).rejects.toThrow('killed');
    at.box.run = real;
    await at.anotherProcess().remove(at.machine, context());
    expect([at.box.vms, at.box.adapters]).toEqual([[], []]);
    expect(at.box.servers.flatMap(({ leases }) => [...leases])).toEqual([]);
    expect(await readdir(at.machine.directory)).toEqual(['boot2docker.iso']);
  });
});
