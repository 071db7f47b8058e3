import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { machineState, readVirtualMachine } from '../../../src/drivers/virtualbox/virtual-machine.js';
import { refusal } from '../../support/fake-virtualbox.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { failedCall, recording } from '../../support/vboxmanage-recordings.js';
import { Bench, type BenchOptions } from './bench.js';

let bench: Bench;
afterEach(() => bench?.remove());

async function running(options: BenchOptions = {}): Promise<void> {
  bench = await Bench.open(options);
  await bench.create();
  await bench.start();
  bench.box.takeCalls();
}

const stop = () => bench.driver.stop(bench.machine, bench.context);

describe('states', () => {
  test.each([
    ['running', 'running'],
    ['poweroff', 'stopped'],
    ['aborted', 'stopped'],
    ['saved', 'saved'],
    ['aborted-saved', 'saved'],
    ['paused', 'paused'],
    ['starting', 'starting'],
    ['restoring', 'starting'],
    ['stopping', 'stopping'],
    ['saving', 'stopping'],
    ['gurumeditation', 'error'],
    ['something new', 'unknown'],
  ])('VirtualBox\u2019s %s is %s', (word, state) => {
    expect(machineState(word)).toBe(state);
  });

  test.each([
    ['7.2-linux/showvminfo-running', 'running'],
    ['7.2-linux/showvminfo-poweroff', 'stopped'],
    ['7.2-linux/showvminfo-saved', 'saved'],
    ['7.2-linux/showvminfo-aborted-saved', 'saved'],
    ['7.2-linux/showvminfo-aborted', 'stopped'],
    ['7.2-linux/showvminfo-paused', 'paused'],
  ])('%s tells %s', (name, state) => {
    expect(machineState(readVirtualMachine(recording(name).stdout).word)).toBe(state);
  });
});

describe('P18: stop asks, waits with a limit, and says what it saw', () => {
  test('a guest that is still booting does not hear the button: it is pressed again', async () => {
    await running({ pressesToStop: 3 });
    await stop();
    const presses = bench.box.calls.filter((it) => it.endsWith('acpipowerbutton'));
    expect(presses).toHaveLength(3);
    expect(bench.box.vm('dev').state).toBe('poweroff');
    expect(bench.ports.clock.monotonic()).toBeLessThan(15_000);
  });

  test('one that has said that it heard is not pressed again', async () => {
    await running({ pressesToStop: undefined });
    const console = join(bench.machine.directory, 'console.log');
    const effect = () => writeFileSync(console, 'tmachine-guest: shutdown\n');
    bench.box.inject(/acpipowerbutton/, { stdout: '', effect });
    await expect(stop()).rejects.toMatchObject({ code: 'VBOX_STOP_TIMEOUT' });
    expect(bench.box.calls.filter((it) => it.endsWith('acpipowerbutton'))).toHaveLength(1);
  });

  test('one that never does is left, with its state, its console and the way to force it', async () => {
    await running({ pressesToStop: undefined });
    await writeFile(join(bench.machine.directory, 'console.log'), 'Kernel panic - not syncing\n');
    await expect(stop()).rejects.toMatchObject({
      code: 'VBOX_STOP_TIMEOUT',
      reason: expect.stringMatching(/last seen: running; console: Kernel panic - not syncing$/),
      nextSteps: ['pull its plug with: tmachine kill dev'],
    });
    expect(bench.ports.clock.monotonic()).toBe(120_000);
    expect(bench.box.vm('dev').state).toBe('running');
  });

  test('a paused one goes on first, to hear the button', async () => {
    await running();
    bench.box.vm('dev').state = 'paused';
    await stop();
    expect(bench.box.vm('dev').state).toBe('poweroff');
  });

  test('one that switches itself off in the same moment is stopped', async () => {
    await running();
    const effect = () => {
      bench.box.vm('dev').state = 'poweroff';
    };
    bench.box.inject(/acpipowerbutton/, { ...refusal("Machine 'dev' is not currently running."), effect });
    await stop();
  });

  test.each([
    ['stop', 'saved', 'VBOX_SAVED_STATE', ['tmachine start dev', 'tmachine kill dev']],
    ['stop', 'gurumeditation', 'VBOX_CRASHED', ['tmachine kill dev', 'tmachine start dev']],
    ['start', 'gurumeditation', 'VBOX_CRASHED', ['tmachine kill dev', 'tmachine start dev']],
  ] as const)('%s of a machine that is %s names the ways out', async (action, word, code, ways) => {
    await running();
    bench.box.vm('dev').state = word;
    await expect(bench.driver[action](bench.machine, bench.context)).rejects.toMatchObject({
      code,
      nextSteps: ways.map((way) => expect.stringContaining(way)),
    });
  });

  test('one that is on its way to another state is waited for, with a limit', async () => {
    await running();
    bench.box.vm('dev').state = 'saving';
    await expect(stop()).rejects.toThrow('machine "dev" to finish what it is doing');
    expect(bench.ports.clock.monotonic()).toBe(120_000);
  });
});

describe('kill', () => {
  test.each(['running', 'paused', 'gurumeditation'])('ends a machine that is %s', async (word) => {
    await running();
    bench.box.vm('dev').state = word;
    await bench.driver.kill(bench.machine, bench.context);
    expect(bench.box.vm('dev').state).toBe('poweroff');
  });

  test('drops a saved state', async () => {
    await running();
    bench.box.vm('dev').state = 'saved';
    await bench.driver.kill(bench.machine, bench.context);
    expect(bench.box.calls).toContain(`discardstate ${bench.box.vm('dev').uuid}`);
    expect(bench.box.vm('dev').state).toBe('poweroff');
  });
});

test.each(['start', 'stop', 'kill'] as const)(
  '%s of a machine that is gone says so in the contract\u2019s words',
  async (action) => {
    await running();
    bench.box.vms.length = 0;
    await expect(bench.driver[action](bench.machine, bench.context)).rejects.toMatchObject({
      verbatim: true,
      message: 'machine does not exist',
    });
  },
);

describe.each([
  ['nothing', ''],
  ['a crash', 'Segmentation fault (core dumped)\n'],
  [
    'what was cut off before the state',
    recording('7.2-linux/showvminfo-running').stdout.replace(/VMState=.*/s, ''),
  ],
  [
    'a state without a machine',
    recording('7.2-linux/showvminfo-running').stdout.replace(/^UUID="[^"]*/m, 'UUID="'),
  ],
])('where VBoxManage answers with exit code 0 and %s', (_what, stdout) => {
  test.each(['state', 'start', 'stop', 'kill', 'remove'] as const)(
    '%s says that it cannot tell, and touches nothing',
    async (action) => {
      await running();
      bench.box.inject(/^showvminfo /, { stdout });
      await expect(bench.driver[action](bench.machine, bench.context)).rejects.toMatchObject({
        code: 'VBOX_GARBLED',
        message: 'VBoxManage does not tell what state the machine is in',
        // The others run under the machine's lock, which names it.
        nextSteps: [
          `see what it says with: VBoxManage showvminfo ${action === 'state' ? 'dev' : 'NAME'}`,
          expect.any(String),
        ],
        exitCode: 1,
      });
      expect(bench.box.takeCalls()).toEqual([expect.stringMatching(/^showvminfo /)]);
      expect(bench.box.vm('dev').state).toBe('running');
    },
  );
});

test('garbage after the plug was pulled is not taken for a machine that is still on', async () => {
  await running();
  const { uuid } = bench.box.vm('dev');
  const effect = () => bench.box.inject(/^showvminfo /, { stdout: 'Segmentation fault\n' });
  bench.box.inject(/^controlvm .* poweroff/, { stdout: '', effect });
  await expect(bench.driver.kill(bench.machine, bench.context)).rejects.toMatchObject({
    code: 'VBOX_GARBLED',
  });
  expect(bench.box.takeCalls().at(-1)).toBe(`showvminfo ${uuid} --machinereadable`);
});

test('a state of a newer VirtualBox is no reason to start the machine on top of it', async () => {
  await running();
  bench.box.vm('dev').state = 'migrating';
  await expect(bench.driver.start(bench.machine, bench.context)).rejects.toMatchObject({
    code: 'VBOX_STATE_UNKNOWN',
    reason: 'VirtualBox says "migrating", which this release does not know',
  });
  expect(bench.box.takeCalls()).toEqual([expect.stringMatching(/^showvminfo /)]);
});

test('P39: a snapshot can be taken, gone back to and deleted', async () => {
  await running();
  await bench.driver.kill(bench.machine, bench.context);
  await bench.driver.takeSnapshot(bench.machine, 'before', bench.context);
  expect(bench.box.vm('dev').snapshots).toEqual(['before']);
  await bench.driver.restoreSnapshot(bench.machine, 'before', bench.context);
  await bench.driver.deleteSnapshot(bench.machine, 'before', bench.context);
  expect(bench.box.vm('dev').snapshots).toEqual([]);
});

test.each(['snapshot-unknown', 'snapshot-delete-unknown'])(
  'P39: a snapshot that is gone need not be deleted, but cannot be gone back to (%s)',
  async (name) => {
    await running();
    await bench.driver.kill(bench.machine, bench.context);
    bench.box.inject(/^snapshot /, failedCall(`7.2-linux/${name}`), failedCall(`7.2-linux/${name}`));
    await bench.driver.deleteSnapshot(bench.machine, 'before', bench.context);
    await expect(bench.driver.restoreSnapshot(bench.machine, 'before', bench.context)).rejects.toMatchObject({
      code: 'VBOX_FAILED',
      reason: expect.stringMatching(/snapshot/),
    });
  },
);

test('P31: the folders that the guest sees, with their places there and something that is in them', async () => {
  const room = await temporaryDirectory('share');
  try {
    await writeFile(join(room.path, 'K\u00e4se'), '');
    bench = await Bench.open({
      flags: { 'virtualbox-no-share': false, 'virtualbox-share-folder': [`${room.path}:work`] },
    });
    expect(await bench.driver.sharedFolders(bench.machine)).toEqual([
      { name: 'work', hostPath: room.path, guestPath: '/work', isAsked: true, sample: 'K\u00e4se' },
    ]);
  } finally {
    await room.remove();
  }
});
