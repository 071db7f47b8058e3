import { chmod, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InterruptedError, ToolError } from '../../../src/core/errors.js';
import type { HostFacts } from '../../../src/core/ports.js';
import { chooseAccelerator, tryAccelerator } from '../../../src/drivers/qemu/accelerator.js';
import type { QemuPorts } from '../../../src/drivers/qemu/ports.js';
import { PROBE_EXIT_CODE } from '../../../src/drivers/qemu/probe-payload.js';
import { findToolkit, parseAccelerators, parseVersion } from '../../../src/drivers/qemu/toolkit.js';
import { type ExpectedCall, FakeProcesses } from '../../support/fake-processes.js';
import { qemuFixture } from '../../support/qemu-fixture.js';
import { realQemuPorts } from '../../support/qemu-ports.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const SIGNAL = new AbortController().signal;

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
let program: string;

beforeEach(async () => {
  room = await temporaryDirectory('accelerator');
  program = join(room.path, 'qemu-system-x86_64');
  await writeFile(program, 'a program of another version would have another size or time');
});
afterEach(() => room.remove());

function questions(
  version = qemuFixture('version'),
  accelerators = qemuFixture('accelerators'),
): ExpectedCall[] {
  return [
    { file: program, args: ['--version'], result: { stdout: version } },
    { file: program, args: ['-accel', 'help'], result: { stdout: accelerators } },
  ];
}

/** A trial start that ends as `outcome` says. */
function trial(outcome: Pick<ExpectedCall, 'result' | 'error'>): ExpectedCall {
  return {
    file: program,
    args: (args) => args.includes('if=floppy,file=trial.img,format=raw,readonly=on'),
    ...outcome,
  };
}

/** The real world, but with programs that answer from a list. */
function withPrograms(
  calls: readonly ExpectedCall[],
  facts: Partial<HostFacts> = {},
  others: Readonly<Record<string, string>> = {},
) {
  const programs = { 'qemu-system-x86_64': program, 'apt-get': '/usr/bin/apt-get', ...others };
  const processes = new FakeProcesses(calls, { programs });
  const ports: QemuPorts = {
    ...realQemuPorts(room.path, { platform: 'linux', arch: 'x64', bootId: 'boot-1', ...facts }),
    processes,
  };
  return { processes, ports };
}

describe('what QEMU tells of itself', () => {
  test.each([
    [qemuFixture('version'), { major: 7, minor: 2 }],
    ['QEMU emulator version 10.0.0-rc1 (v10.0.0-rc1-2)', { major: 10, minor: 0 }],
    ['qemu: something else', undefined],
  ])('%j', (output, version) => {
    expect(parseVersion(output)).toEqual(version);
  });

  test('accelerators', () => {
    expect(parseAccelerators(qemuFixture('accelerators'))).toEqual(['tcg', 'kvm']);
  });
});

describe('P12: not what an accelerator says counts, but whether a guest runs on it', () => {
  test.each([
    ['a guest that answers', { result: { status: PROBE_EXIT_CODE } }, 'kvm', ''],
    [
      'no permission',
      { result: { status: 1, stderr: qemuFixture('kvm-denied') } },
      'tcg',
      'kvm: Could not access KVM kernel module: Permission denied',
    ],
    [
      'a QEMU that breaks on it',
      { result: { status: undefined, stderr: qemuFixture('kvm-breaks') } },
      'tcg',
      'kvm: failed to set MSR 0x10a to 0x69',
    ],
    [
      'a guest that hangs, after a mere warning',
      {
        error: new ToolError({
          file: 'qemu',
          args: [],
          status: undefined,
          stderr: 'qemu: warning: host lacks a feature\n',
        }),
      },
      'tcg',
      'kvm: a trial guest did not answer within 2 s',
    ],
    [
      'a guest that ends otherwise',
      { result: { status: 0 } },
      'tcg',
      'kvm: a trial guest ended without its answer',
    ],
  ])('%s', async (_what, outcome, accelerator, whyNotHardware) => {
    const { processes, ports } = withPrograms([...questions(), trial(outcome)]);
    const toolkit = await findToolkit(ports, SIGNAL);
    expect(await chooseAccelerator('auto', toolkit, ports, { signal: SIGNAL })).toEqual({
      accelerator,
      whyNotHardware,
    });
    processes.verify();
  });

  test.each([
    ['darwin', 'hvf'],
    ['win32', 'whpx'],
  ] as const)('on %s it is %s', async (platform, accelerator) => {
    const listed = qemuFixture('accelerators').replace('kvm', accelerator);
    const calls = [...questions(undefined, listed), trial({ result: { status: PROBE_EXIT_CODE } })];
    const { processes, ports } = withPrograms(calls, { platform });
    const toolkit = await findToolkit(ports, SIGNAL);
    const chosen = await chooseAccelerator('auto', toolkit, ports, { signal: SIGNAL });
    expect(chosen.accelerator).toBe(accelerator);
    processes.verify();
  });

  test.each([
    ['linux', ['/usr/bin/timeout', '--signal=KILL', '10']],
    ['darwin', []],
    ['win32', []],
  ] as const)('on %s a trial that outlives us is ended by %j', async (platform, before) => {
    const accelerator = { linux: 'kvm', darwin: 'hvf', win32: 'whpx' }[platform];
    const listed = qemuFixture('accelerators').replace('kvm', accelerator);
    const begins: readonly string[] = before.length === 0 ? [] : [...before.slice(1), program];
    const calls = [
      ...questions(undefined, listed),
      {
        file: before[0] ?? program,
        args: (args: readonly string[]) =>
          args[begins.length] === '-nodefaults' && begins.every((word, at) => args[at] === word),
        result: { status: PROBE_EXIT_CODE },
      },
    ];
    const { processes, ports } = withPrograms(calls, { platform }, { timeout: '/usr/bin/timeout' });
    const toolkit = await findToolkit(ports, SIGNAL);
    expect((await chooseAccelerator('auto', toolkit, ports, { signal: SIGNAL })).accelerator).toBe(
      accelerator,
    );
    processes.verify();
  });

  test('one that this QEMU was built without is not tried', async () => {
    const { processes, ports } = withPrograms(questions(), { platform: 'darwin' });
    const toolkit = await findToolkit(ports, SIGNAL);
    expect(await chooseAccelerator('auto', toolkit, ports, { signal: SIGNAL })).toEqual({
      accelerator: 'tcg',
      whyNotHardware: 'this QEMU was built without hvf',
    });
    processes.verify();
  });

  test.each(['kvm', 'tcg'] as const)('%s that was asked for is taken without a trial', async (choice) => {
    const { processes, ports } = withPrograms(questions());
    const toolkit = await findToolkit(ports, SIGNAL);
    const chosen = await chooseAccelerator(choice, toolkit, ports, { signal: SIGNAL });
    expect(chosen).toEqual({ accelerator: choice, whyNotHardware: '' });
    processes.verify();
  });

  test('an interrupted trial is no evidence', async () => {
    const interrupt = new AbortController();
    const call = {
      ...trial({ error: new InterruptedError('Ctrl-C') }),
      effect: () => interrupt.abort(new InterruptedError('Ctrl-C')),
    };
    const { ports } = withPrograms([...questions(), call]);
    const toolkit = await findToolkit(ports, SIGNAL);
    await expect(tryAccelerator('kvm', toolkit, ports, { signal: interrupt.signal })).rejects.toThrow(
      'Ctrl-C',
    );
    const again = withPrograms([trial({ result: { status: PROBE_EXIT_CODE } })]);
    const remembered = await findToolkit(again.ports, SIGNAL);
    expect((await tryAccelerator('kvm', remembered, again.ports, { signal: SIGNAL })).isUsable).toBe(true);
  });
});

describe('what was learned is remembered', () => {
  /** Learns all there is to learn. */
  async function learn(): Promise<void> {
    const { processes, ports } = withPrograms([
      ...questions(),
      trial({ result: { status: PROBE_EXIT_CODE } }),
    ]);
    await tryAccelerator('kvm', await findToolkit(ports, SIGNAL), ports, { signal: SIGNAL });
    processes.verify();
  }

  /** How many programs a further look takes. */
  async function programsRun(facts: Partial<HostFacts> = {}): Promise<number> {
    const all = [...questions(), trial({ result: { status: PROBE_EXIT_CODE } })];
    const { processes, ports } = withPrograms(all, facts);
    await tryAccelerator('kvm', await findToolkit(ports, SIGNAL), ports, { signal: SIGNAL });
    return processes.calls.length;
  }

  test('no program is run a second time', async () => {
    await learn();
    expect(await programsRun()).toBe(0);
    expect((await stat(join(room.path, '.tmachine', 'qemu.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(room.path, '.tmachine'))).mode & 0o777).toBe(0o700);
  });

  test('a trial that failed is made again for a new machine, one that went well is not', async () => {
    const failed = withPrograms([...questions(), trial({ result: { status: 1 } })]);
    await tryAccelerator('kvm', await findToolkit(failed.ports, SIGNAL), failed.ports, { signal: SIGNAL });
    const options = { signal: SIGNAL, retryFailed: true };
    const well = withPrograms([trial({ result: { status: PROBE_EXIT_CODE } })]);
    await tryAccelerator('kvm', await findToolkit(well.ports, SIGNAL), well.ports, options);
    well.processes.verify();
    const none = withPrograms([]);
    const known = await tryAccelerator('kvm', await findToolkit(none.ports, SIGNAL), none.ports, options);
    expect(known.isUsable).toBe(true);
    none.processes.verify();
  });

  test('until the computer has been booted again', async () => {
    await learn();
    expect(await programsRun({ bootId: 'boot-2' })).toBe(3);
  });

  test('until the program is another one', async () => {
    await learn();
    await utimes(program, new Date(0), new Date(0));
    expect(await programsRun()).toBe(3);
  });

  test('not at all where a reboot cannot be noticed', async () => {
    await learn();
    expect(await programsRun({ bootId: '' })).toBe(3);
  });

  test.each(['', '{', '[]', '{"identity":1}'])('a damaged memory is none: %j', async (damage) => {
    await learn();
    await writeFile(join(room.path, '.tmachine', 'qemu.json'), damage);
    expect(await programsRun()).toBe(3);
  });

  test('a memory with damaged parts is none either', async () => {
    await learn();
    const file = join(room.path, '.tmachine', 'qemu.json');
    const memory: object = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...memory, version: 'x' }));
    expect(await programsRun()).toBe(3);
  });

  test('an unwritable store costs the trial again, nothing else', async () => {
    const { processes, ports } = withPrograms([
      ...questions(),
      trial({ result: { status: PROBE_EXIT_CODE } }),
    ]);
    const nowhere = { ...ports, sharedDirectory: join(program, '.tmachine') };
    const toolkit = await findToolkit(nowhere, SIGNAL);
    expect((await tryAccelerator('kvm', toolkit, nowhere, { signal: SIGNAL })).isUsable).toBe(true);
    processes.verify();
  });
});

describe('without QEMU', () => {
  test.each([
    ['linux', { 'apt-get': '/usr/bin/apt-get' }, ['install it with: sudo apt-get install qemu-system-x86']],
    ['linux', { dnf: '/usr/bin/dnf' }, ['install it with: sudo dnf install qemu-system-x86']],
    ['linux', { pacman: '/usr/bin/pacman' }, ['install it with: sudo pacman -S qemu-system-x86']],
    [
      'linux',
      {},
      [
        'Debian, Ubuntu: sudo apt-get install qemu-system-x86',
        'Fedora: sudo dnf install qemu-system-x86',
        'Arch: sudo pacman -S qemu-system-x86',
        'openSUSE: sudo zypper install qemu-x86',
      ],
    ],
    ['darwin', {}, ['install it with: brew install qemu']],
    [
      'win32',
      {},
      [
        'install it with: winget install --exact --id SoftwareFreedomConservancy.QEMU',
        'or with: choco install qemu',
      ],
    ],
  ] as const)(
    'on %s with %j the way to get it is named, and the exit code is 3',
    async (platform, found, steps) => {
      const ports = {
        ...realQemuPorts(room.path, { platform, env: {} }),
        processes: new FakeProcesses([], { programs: found }),
      };
      await expect(findToolkit(ports, SIGNAL)).rejects.toMatchObject({
        code: 'QEMU_NOT_FOUND',
        exitCode: 3,
        message: 'QEMU not found. Make sure QEMU is installed and qemu-system-x86_64 is in the path',
        nextSteps: steps,
      });
    },
  );

  test('a program that is no QEMU is named', async () => {
    const { ports } = withPrograms(questions('hello'));
    await expect(findToolkit(ports, SIGNAL)).rejects.toMatchObject({
      code: 'QEMU_BROKEN',
      message: `QEMU does not run: ${program}`,
      reason: 'it does not tell its version',
    });
  });
});

describe('with real programs', () => {
  test('the payload answers on TCG, and its trace is gone', async () => {
    const ports = realQemuPorts(room.path);
    const toolkit = await findToolkit(ports, SIGNAL);
    expect(await tryAccelerator('tcg', toolkit, ports, { signal: SIGNAL })).toEqual({
      isUsable: true,
      evidence: 'a trial guest ran',
    });
  });

  test('a QEMU that hangs and does not listen to being asked to end is killed', async () => {
    const pidFile = join(room.path, 'pid');
    await writeFile(
      program,
      `#!/bin/sh\ncase $1 in --version) echo QEMU emulator version 9.1.0; exit;; -accel) [ $2 = help ] && { echo kvm; exit; };; esac\ntrap '' TERM HUP INT\necho $$ > ${pidFile}\nwhile :; do sleep 0.1; done\n`,
    );
    await chmod(program, 0o755);
    const real = realQemuPorts(room.path);
    const { processes } = real;
    const ports: QemuPorts = {
      ...real,
      processes: {
        find: async () => program,
        run: (file, args, options) => processes.run(file, args, options),
        attach: (file, args, options) => processes.attach(file, args, options),
        launch: (file, args, options) => processes.launch(file, args, options),
      },
    };
    const toolkit = await findToolkit(ports, SIGNAL);
    const outcome = await tryAccelerator('kvm', toolkit, ports, { signal: SIGNAL });
    expect(outcome).toEqual({ isUsable: false, evidence: 'a trial guest did not answer within 2 s' });
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
