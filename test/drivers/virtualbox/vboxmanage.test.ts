import { describe, expect, test } from '@jest/globals';
import { InterruptedError, ToolError } from '../../../src/core/errors.js';
import { findVBoxManage, parseRegistryText } from '../../../src/drivers/virtualbox/find.js';
import { VBoxManage, withoutWarning } from '../../../src/drivers/virtualbox/vboxmanage.js';
import { type ExpectedCall, FakeProcesses } from '../../support/fake-processes.js';
import { failedCall, recording } from '../../support/vboxmanage-recordings.js';
import { LINUX_FACTS, testPorts } from '../../support/virtualbox-ports.js';

const FILE = '/usr/bin/VBoxManage';
const NOT_READY = 'VBoxManage: error: The object is not ready\n';
const signal = new AbortController().signal;

function tool(calls: readonly Partial<ExpectedCall>[]) {
  const expected = calls.map((call): ExpectedCall => ({ file: FILE, args: ['list', 'vms'], ...call }));
  const processes = new FakeProcesses(expected, { programs: { VBoxManage: FILE } });
  const ports = testPorts({ processes });
  return { processes, ports, vbox: new VBoxManage(ports) };
}

const LIST = { args: ['list', 'vms'], purpose: 'looking for machines' };

describe('P10, P14: VBoxManage is found', () => {
  test('on PATH, then where installers put it', async () => {
    const find = (programs: Record<string, string>) =>
      findVBoxManage({ processes: new FakeProcesses([], { programs }), facts: LINUX_FACTS }, signal);
    expect(await find({ VBoxManage: FILE, '/opt/VirtualBox/VBoxManage': '/opt/x' })).toBe(FILE);
    expect(await find({ '/opt/VirtualBox/VBoxManage': '/opt/x' })).toBe('/opt/x');
    expect(await find({})).toBeUndefined();
  });

  const WINDOWS = {
    platform: 'win32' as const,
    env: {
      VBOX_INSTALL_PATH: 'D:\\Toolbox\\VB',
      VBOX_MSI_INSTALL_PATH: 'E:\\VBox\\',
      SystemRoot: 'C:\\WINDOWS',
    },
  };
  const registry: ExpectedCall = {
    file: 'C:\\WINDOWS\\System32\\reg.exe',
    args: ['query', 'HKLM\\SOFTWARE\\Oracle\\VirtualBox', '/v', 'InstallDir'],
    result: {
      stdout:
        '\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Oracle\\VirtualBox\r\n    InstallDir    REG_SZ    F:\\My VirtualBox\\\r\n\r\n',
    },
  };

  test.each([
    ['D:\\Toolbox\\VB\\VBoxManage.exe', false],
    ['E:\\VBox\\VBoxManage.exe', false],
    ['C:\\Program Files\\Oracle\\VirtualBox\\VBoxManage.exe', false],
    ['F:\\My VirtualBox\\VBoxManage.exe', true],
    ['VBoxManage', true],
  ])('on Windows: %s (asks the registry: %s)', async (place, asks) => {
    const processes = new FakeProcesses(asks ? [registry] : [], { programs: { [place]: place } });
    expect(await findVBoxManage({ processes, facts: { ...LINUX_FACTS, ...WINDOWS } }, signal)).toBe(place);
    processes.verify();
  });

  test('a registry without it is no failure', async () => {
    const processes = new FakeProcesses([{ ...registry, result: { status: 1, stderr: 'ERROR' } }], {
      programs: {},
    });
    expect(
      await findVBoxManage({ processes, facts: { ...LINUX_FACTS, ...WINDOWS } }, signal),
    ).toBeUndefined();
    expect(parseRegistryText('    InstallDir    REG_SZ    relative\\path')).toBeUndefined();
  });

  test('no VirtualBox: exit 3 and the contract\u2019s text', async () => {
    const vbox = new VBoxManage(testPorts({ processes: new FakeProcesses([], { programs: {} }) }));
    await expect(vbox.run(LIST, { signal })).rejects.toMatchObject({
      code: 'VBOX_NOT_FOUND',
      exitCode: 3,
      message: 'VBoxManage not found. Make sure VirtualBox is installed and VBoxManage is in the path',
    });
  });
});

describe('a call', () => {
  test('its version is asked for once', async () => {
    const { vbox, processes } = tool([{ args: ['--version'], result: { stdout: '7.2.22r1\n' } }, {}]);
    expect((await vbox.dialect(signal)).version.minor).toBe(2);
    await vbox.dialect(signal);
    await vbox.run(LIST, { signal });
    processes.verify();
  });

  test('garbage for a version is told as it is', async () => {
    const { vbox } = tool([
      { args: ['--version'], result: { stdout: 'Illegal instruction\n', status: 132 } },
    ]);
    await expect(vbox.dialect(signal)).rejects.toMatchObject({
      code: 'VBOX_BROKEN',
      exitCode: 3,
      reason: 'Illegal instruction',
    });
  });

  test('exit 0 with error: on stderr is a failure, in the contract\u2019s form', async () => {
    const { vbox } = tool([{ result: { status: 0, stderr: 'VBoxManage: error: Something odd\n' } }]);
    await expect(vbox.run(LIST, { signal })).rejects.toMatchObject({
      code: 'VBOX_FAILED',
      message: `${FILE} list vms failed:`,
      reason: 'Something odd',
    });
  });

  test('a crash is told as one, with what to do', async () => {
    const { vbox } = tool([{ result: { status: 139 } }]);
    await expect(vbox.run({ ...LIST, isQuestion: false }, { signal })).rejects.toMatchObject({
      reason: expect.stringMatching(/^VBoxManage ended with exit code 139 while .*, and said nothing$/),
      nextSteps: [
        'run the command again: VBoxManage crashed, which may be for once',
        expect.stringContaining('VBoxSVC last'),
      ],
    });
  });

  test('a warning of the distribution is neither answer nor failure', async () => {
    const warning = recording('7.2-linux/version-warning').stdout.replace(/^7.*\n/m, '');
    const { vbox } = tool([{ result: { stdout: `${warning}"dev" {x}\n`, stderr: warning } }]);
    expect(withoutWarning(await vbox.run(LIST, { signal }))).toBe('"dev" {x}\n');
  });

  test('P18: "object is not ready" is tried five times', async () => {
    const busy = { result: { status: 1, stderr: NOT_READY } };
    const { vbox, processes, ports } = tool([busy, busy, busy, busy, {}]);
    await vbox.run(LIST, { signal });
    processes.verify();
    expect(ports.clock.sleeps).toEqual([100, 100, 100, 100]);
    const never = tool([busy, busy, busy, busy, busy]);
    await expect(never.vbox.run(LIST, { signal })).rejects.toMatchObject({ code: 'VBOX_FAILED' });
    never.processes.verify();
  });

  test('P18: a lock is waited for, with a limit, and then explained', async () => {
    const locked = { result: failedCall('7.2-linux/modifyvm-locked') };
    const free = tool([locked, locked, {}]);
    await free.vbox.run(LIST, { signal });
    free.processes.verify();
    const { vbox, ports } = tool(Array(100).fill(locked));
    await expect(vbox.run(LIST, { signal })).rejects.toMatchObject({ code: 'VBOX_LOCKED' });
    expect(ports.clock.monotonic()).toBe(20_000);
  });

  test('a question is asked again when VBoxSVC has gone; a change is not made twice', async () => {
    const gone = { result: failedCall('unknown-windows/list-hostonlyifs-no-server') };
    const question = tool([gone, {}]);
    await question.vbox.run({ ...LIST, isQuestion: true }, { signal });
    question.processes.verify();
    const change = tool([gone]);
    await expect(change.vbox.run(LIST, { signal })).rejects.toMatchObject({ code: 'VBOX_SERVER_GONE' });
    change.processes.verify();
  });

  test.each([
    '7.2-linux/transient-lock-pending',
    '7.2-linux/transient-not-ready',
    '7.2-linux/transient-unexpected-process',
    'unknown-windows/showvminfo-access-denied',
    'unknown-macos/showvminfo-not-ready-console',
  ])('P18: between two states a question is asked again: %s', async (name) => {
    const passing = { result: failedCall(name) };
    const { vbox, processes } = tool([passing, passing, passing, {}]);
    await vbox.run({ ...LIST, isQuestion: true }, { signal });
    processes.verify();
  });

  test('P18: a VBoxManage that crashes over a question is asked again, twice', async () => {
    const crash = { result: { status: undefined } };
    const { vbox, processes } = tool([crash, crash, {}]);
    await vbox.run({ ...LIST, isQuestion: true }, { signal });
    processes.verify();
    const change = tool([crash]);
    await expect(change.vbox.run(LIST, { signal })).rejects.toMatchObject({ code: 'VBOX_FAILED' });
  });

  test('one that hangs is ended, and says what it was doing', async () => {
    const error = new ToolError({
      file: FILE,
      args: [],
      status: undefined,
      stderr: '',
      reason: 'it did not end within 60 s and was stopped',
    });
    const { vbox } = tool([{ error }]);
    await expect(vbox.run(LIST, { signal })).rejects.toMatchObject({
      code: 'VBOX_HANGS',
      message: 'VBoxManage did not answer within 60 s while looking for machines',
      reason: `the call was: ${FILE} list vms`,
    });
  });

  test('Ctrl-C is heard', async () => {
    const interrupted = new AbortController();
    interrupted.abort(new InterruptedError('Ctrl-C'));
    const { vbox } = tool([{}]);
    await expect(vbox.run(LIST, { signal: interrupted.signal })).rejects.toThrow('Ctrl-C');
  });
});
