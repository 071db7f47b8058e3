import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeHere } from '../support/describe-here.js';
import { tinyGuestImage } from '../support/tiny-guest.js';
import { noVirtualBoxLab, VirtualBoxLab } from '../support/virtualbox-lab.js';

describeHere('the VirtualBox lab is like VirtualBox', noVirtualBoxLab(), () => {
  let lab: VirtualBoxLab;

  beforeAll(async () => {
    lab = await VirtualBoxLab.open();
  });
  afterAll(() => lab?.close());

  async function machine(name: string, ...words: readonly string[]): Promise<void> {
    await lab.vboxmanage('createvm', '--basefolder', join(lab.directory, name), '--name', name, '--register');
    await lab.vboxmanage(
      'modifyvm',
      name,
      '--ostype',
      'Linux26_64',
      '--memory',
      '64',
      '--ioapic',
      'on',
      ...words,
    );
  }

  async function eventually<T>(ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
    let answer = await ask();
    for (let tries = 0; tries < 150 && !isIt(answer); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      answer = await ask();
    }
    return answer;
  }

  test('a machine with a fixed address gets it by DHCP, another one an address of the range', async () => {
    await lab.vboxmanage('hostonlyif', 'create');
    const card = ['--nic1', 'hostonly', '--hostonlyadapter1', 'vboxnet0', '--boot1', 'net'];
    await machine('fixed', ...card);
    await machine('free', ...card);
    const network = ['--network', 'HostInterfaceNetworking-vboxnet0'];
    const address = ['--vm', 'fixed', '--nic', '1', '--fixed-address', '192.168.56.77'];
    await lab.vboxmanage('dhcpserver', 'modify', ...network, ...address);
    for (const name of ['fixed', 'free']) await lab.vboxmanage('startvm', name, '--type', 'headless');
    expect(await lab.info('fixed')).toMatchObject({ nic1: 'hostonly', hostonlyadapter1: 'vboxnet0' });
    const leases = await eventually(
      async () => lab.leases('vboxnet0'),
      (all) => all.length === 2,
    );
    expect([...leases].sort()).toEqual([expect.stringMatching(/^192\.168\.56\.[12]\d\d$/), '192.168.56.77']);
    for (const name of ['fixed', 'free']) {
      await lab.vboxmanage('controlvm', name, 'poweroff');
      await eventually(
        () => lab.info(name),
        (info) => info['VMState'] === 'poweroff',
      );
      await lab.vboxmanage('unregistervm', name, '--delete');
    }
  });

  test.each([
    [true, 'poweroff'],
    [false, 'running'],
  ])('the tiny guest hears the power button: %s', async (hearsButton, after) => {
    await machine('tiny', '--uart1', '0x3F8', '4', '--uartmode1', 'file', join(lab.directory, 'console'));
    const image = join(lab.directory, 'tiny.iso');
    await writeFile(image, tinyGuestImage({ volumeId: 'b2d-v29.0.0', hearsButton }));
    await lab.vboxmanage('storagectl', 'tiny', '--name', 'SATA', '--add', 'sata');
    const drive = ['--storagectl', 'SATA', '--port', '0', '--device', '0', '--type', 'dvddrive'];
    await lab.vboxmanage('storageattach', 'tiny', ...drive, '--medium', image);
    await lab.vboxmanage('startvm', 'tiny', '--type', 'headless');
    const console = await eventually(
      () => lab.read('console'),
      (text) => text.includes('ready'),
    );
    expect(console).toContain('tiny guest: up\ntiny guest: ready\n');
    await lab.vboxmanage('controlvm', 'tiny', 'acpipowerbutton');
    if (!hearsButton) await new Promise((resolve) => setTimeout(resolve, 2_000));
    const info = await eventually(
      () => lab.info('tiny'),
      ({ VMState }) => VMState === after,
    );
    expect(info['VMState']).toBe(after);
    if (!hearsButton) await lab.vboxmanage('controlvm', 'tiny', 'poweroff');
    await eventually(
      () => lab.info('tiny'),
      ({ VMState }) => VMState === 'poweroff',
    );
    await lab.vboxmanage('unregistervm', 'tiny', '--delete');
  });
});
