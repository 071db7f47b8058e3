import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createQemuDriver } from '../../../src/drivers/qemu/driver.js';
import { PROBE_EXIT_CODE } from '../../../src/drivers/qemu/probe-payload.js';
import { context } from '../../contract/driver-contract.js';
import { FakeProcesses } from '../../support/fake-processes.js';
import { qemuFixture } from '../../support/qemu-fixture.js';
import { realQemuPorts } from '../../support/qemu-ports.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

let room: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeEach(async () => {
  room = await temporaryDirectory('survey');
});
afterEach(() => room.remove());

async function survey(processes: FakeProcesses) {
  const facts = { platform: 'linux', arch: 'x64', bootId: '' } as const;
  const driver = createQemuDriver({ ...realQemuPorts(room.path, facts), processes });
  const flags = Object.fromEntries(driver.options.map((option) => [option.name, option.default ?? '']));
  const machine = { name: 'dev', storePath: room.path, directory: join(room.path, 'machines', 'dev') };
  return driver.survey({ ...machine, settings: driver.parseOptions(flags, machine) }, context());
}

test('QEMU with its version, and the accelerator on which a trial guest ran', async () => {
  const program = join(room.path, 'qemu-system-x86_64');
  await writeFile(program, '');
  const withTrial = (status: number) =>
    survey(
      new FakeProcesses(
        [
          { file: program, args: ['--version'], result: { stdout: qemuFixture('version') } },
          { file: program, args: ['-accel', 'help'], result: { stdout: qemuFixture('accelerators') } },
          { file: program, args: () => true, result: { status } },
        ],
        { programs: { 'qemu-system-x86_64': program } },
      ),
    );
  expect(await withTrial(PROBE_EXIT_CODE)).toEqual([
    { name: 'program', value: `${program}, version 7.2` },
    { name: 'hardware virtualization', value: 'kvm (a trial guest ran on it)' },
  ]);
  expect(await withTrial(1)).toContainEqual({ name: 'hardware virtualization', value: 'not used' });
});

test('no QEMU: nothing to tell, the precheck says what is missing', async () => {
  expect(await survey(new FakeProcesses([], { programs: {} }))).toEqual([]);
});
