import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { DriverMachine, Finding, FlagValues } from '../../../src/core/driver.js';
import type { HostFacts } from '../../../src/core/ports.js';
import { createQemuDriver } from '../../../src/drivers/qemu/driver.js';
import type { QemuPorts } from '../../../src/drivers/qemu/ports.js';
import { PROBE_EXIT_CODE } from '../../../src/drivers/qemu/probe-payload.js';
import { context } from '../../contract/driver-contract.js';
import { FakeProcesses } from '../../support/fake-processes.js';
import { qemuFixture } from '../../support/qemu-fixture.js';
import { realQemuPorts } from '../../support/qemu-ports.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
let program: string;
let server: Server | undefined;

beforeEach(async () => {
  room = await temporaryDirectory('precheck');
  program = join(room.path, 'qemu-system-x86_64');
  await writeFile(program, '');
});
afterEach(async () => {
  server?.close();
  await room.remove();
});

/** What the driver finds on a computer of these facts, with a QEMU that answers so. */
async function findings(
  flags: FlagValues,
  host: Partial<HostFacts> = {},
  qemu: { readonly version?: string; readonly trial?: number; readonly stderr?: string } = {},
): Promise<readonly Finding[]> {
  const { version = qemuFixture('version'), trial = PROBE_EXIT_CODE, stderr = '' } = qemu;
  const processes = new FakeProcesses(
    [
      { file: program, args: ['--version'], result: { stdout: version } },
      { file: program, args: ['-accel', 'help'], result: { stdout: qemuFixture('accelerators') } },
      { file: program, args: () => true, result: { status: trial, stderr } },
    ],
    { programs: { 'qemu-system-x86_64': program, 'apt-get': 'apt-get' } },
  );
  const facts = { platform: 'linux', arch: 'x64', memoryMiB: 8000, bootId: '', ...host } as const;
  const ports: QemuPorts = { ...realQemuPorts(room.path, facts), processes };
  const driver = createQemuDriver(ports);
  const defaults = Object.fromEntries(driver.options.map((option) => [option.name, option.default ?? '']));
  const machine = { name: 'dev', storePath: room.path };
  const settings = driver.parseOptions({ ...defaults, 'qemu-disk-size': 1200, ...flags }, machine);
  const whole: DriverMachine = { ...machine, directory: join(room.path, 'machines', 'dev'), settings };
  return driver.precheck(whole, context());
}

test('a computer with all that is needed has no findings', async () => {
  expect(await findings({})).toEqual([]);
});

test('a QEMU that is too old is refused with the way to a newer one', async () => {
  expect(await findings({}, {}, { version: 'QEMU emulator version 4.2.1' })).toEqual([
    {
      severity: 'refuse',
      code: 'QEMU_TOO_OLD',
      message: 'QEMU 4.2 is too old',
      reason: `version 5 or newer is needed; found: ${program}`,
      nextSteps: ['install it with: sudo apt-get install qemu-system-x86'],
    },
  ]);
});

test('without hardware virtualization the machine works, and the user is told why it is slower', async () => {
  expect(await findings({}, {}, { trial: 1, stderr: qemuFixture('kvm-absent') })).toEqual([
    {
      severity: 'warn',
      code: 'QEMU_SLOW',
      message: 'QEMU runs the machine without hardware virtualization, which works but is slower',
      reason: 'kvm: Could not access KVM kernel module: No such file or directory',
      nextSteps: [],
    },
  ]);
});

test('who may not use KVM is told how to', async () => {
  const [finding] = await findings({}, {}, { trial: 1, stderr: qemuFixture('kvm-denied') });
  expect(finding?.reason).toBe(
    'kvm: Could not access KVM kernel module: Permission denied (sudo usermod -aG kvm "$USER", then log in again)',
  );
});

test('on an ARM computer the warning names the processor', async () => {
  const [finding] = await findings({}, { arch: 'arm64', platform: 'darwin' });
  expect(finding).toMatchObject({
    severity: 'warn',
    message:
      "This computer's processor (arm64) is not the machine's (x64): QEMU translates it, which works but is slow",
  });
});

test('P12: an accelerator that was asked for and failed a trial is a warning, one that is not built in a refusal', async () => {
  expect(await findings({ 'qemu-accelerator': 'kvm' }, {}, { trial: 1 })).toMatchObject([
    { severity: 'warn', code: 'QEMU_ACCELERATOR' },
  ]);
  expect(await findings({ 'qemu-accelerator': 'kvm' })).toEqual([]);
  expect(await findings({ 'qemu-accelerator': 'tcg' })).toEqual([]);
  expect(await findings({ 'qemu-accelerator': 'hvf' })).toMatchObject([
    {
      severity: 'refuse',
      message: 'QEMU has no accelerator "hvf" here',
      reason: 'this QEMU was built with: tcg, kvm',
    },
  ]);
});

test('more memory than the computer has is a warning', async () => {
  expect(await findings({ 'qemu-memory': 8001 })).toMatchObject([
    {
      severity: 'warn',
      message: 'The machine is to have 8001 MB of memory, and this computer has 8000 MB',
    },
  ]);
});

test('a disk larger than what is free is a warning', async () => {
  expect(await findings({ 'qemu-disk-size': 900_000_000 })).toMatchObject([
    {
      severity: 'warn',
      code: 'DISK_SMALL',
      message: expect.stringMatching(/^The machine's disk may grow to/),
    },
  ]);
});

test('ports that were asked for and are taken are refused, each with its flag', async () => {
  const listener = createServer();
  server = listener;
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  expect(await findings({ 'qemu-ssh-port': port })).toEqual([
    {
      severity: 'refuse',
      code: 'QEMU_PORT_TAKEN',
      message: `Port 127.0.0.1:${port}, asked for SSH, is in use by another program`,
      reason: 'it was asked for with --qemu-ssh-port',
      nextSteps: [
        `see which program has it: ss -ltnp 'sport = :${port}'`,
        'or take another one:  tmachine create --qemu-ssh-port PORT ...',
      ],
    },
  ]);
});

test('all findings come at once', async () => {
  await mkdir(join(room.path, 'machines'));
  const all = await findings({ 'qemu-memory': 9000, 'qemu-accelerator': 'whpx' });
  expect(all.map(({ code }) => code)).toEqual(['QEMU_ACCELERATOR', 'QEMU_MEMORY']);
});
