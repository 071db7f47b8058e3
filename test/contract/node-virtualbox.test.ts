import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  parseHostOnlyInterfaces,
  parseMachineReadable,
  parseVms,
} from '../../src/drivers/virtualbox/parse.js';
import { machineState, readVirtualMachine } from '../../src/drivers/virtualbox/virtual-machine.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { recording } from '../support/vboxmanage-recordings.js';

// node-virtualbox reads the same recordings, in a process of its own: two readers that never met must agree. It is never used in the program: it builds
// shell lines (src/drivers/README.md). Only machine names that need no quoting are given to it.
const run = promisify(execFile);
const PROVIDER = createRequire(import.meta.url).resolve('node-virtualbox/lib/VBoxProvider');
const NAME = 'dev';

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  room = await temporaryDirectory('node-virtualbox');
});
afterAll(() => room.remove());

/** What node-virtualbox makes of `VBoxManage` when that answers every call with this recording. */
async function theirs(name: string, expression: string): Promise<unknown> {
  const { stdout: recorded, stderr } = recording(name);
  // A line without "=", which 7.2 prints, ends node-virtualbox with an uncaught error.
  const stdout = name.includes('showvminfo') ? recorded.replace(/^[^=\n]*\n/gm, '') : recorded;
  const fake = join(room.path, 'VBoxManage');
  await writeFile(join(room.path, 'stdout'), stdout);
  await writeFile(join(room.path, 'stderr'), stderr);
  const script = `#!/bin/sh\ncat '${room.path}/stdout'\ncat '${room.path}/stderr' >&2\n${stderr === '' ? '' : 'exit 1\n'}`;
  await writeFile(fake, script);
  await chmod(fake, 0o755);
  const program = `const provider = new (require(${JSON.stringify(PROVIDER)}))();
    ${expression}.then((value) => process.stdout.write(JSON.stringify(value)));`;
  const env = { ...process.env, NODE_OPTIONS: '', PATH: `${room.path}:${process.env['PATH']}` };
  return JSON.parse((await run(process.execPath, ['-e', program], { env, timeout: 60_000 })).stdout);
}

/** It leaves the quotes around values. */
function withoutQuotes(found: unknown): Record<string, string> {
  const entries = Object.entries(Object(found)).map(([key, value]) => [
    key,
    String(value).replace(/^"|"$/g, ''),
  ]);
  return Object.fromEntries(entries);
}

describe('node-virtualbox and we read the same', () => {
  test.each(['7.2-linux/list-vms', '7.2-linux/list-vms-same-name', '7.2-linux/list-vms-none'])(
    'machines: %s',
    async (name) => {
      const ours = parseVms(recording(name).stdout).map((vm) => ({ name: vm.name, id: vm.uuid }));
      expect(await theirs(name, 'provider.list()')).toEqual(ours);
    },
  );

  test.each([
    '7.2-linux/list-hostonlyifs-new',
    '7.2-linux/list-hostonlyifs-two',
    '7.2-linux/list-hostonlyifs-none',
    'unknown-windows/list-hostonlyifs',
  ])('host-only adapters: %s', async (name) => {
    const ours = parseHostOnlyInterfaces(recording(name).stdout).map((it) => ({
      Name: it.name,
      IPAddress: it.address,
      NetworkMask: it.netmask,
      Status: it.status,
      VBoxNetworkName: it.networkName,
    }));
    const found = await theirs(name, 'provider.hostonlyifs()');
    expect(found).toHaveLength(ours.length);
    expect(found).toMatchObject(ours);
  });

  test.each(['running', 'poweroff', 'saved', 'paused', 'aborted'])('a machine that is %s', async (word) => {
    const name = `7.2-linux/showvminfo-${word}`;
    const ours = parseMachineReadable(recording(name).stdout);
    const found = await theirs(name, `provider.info('${NAME}')`);
    const keys = ['name', 'UUID', 'VMState', 'memory', 'cpus', 'macaddress1', 'Forwarding(0)'];
    const values = keys.flatMap((key) => (ours.has(key) ? [[key, ours.get(key)]] : []));
    expect(values.length).toBeGreaterThan(5);
    expect(withoutQuotes(found)).toMatchObject(Object.fromEntries(values));
    const state = await theirs(name, `provider.getState('${NAME}')`);
    expect(machineState(String(state))).toBe(machineState(readVirtualMachine(recording(name).stdout).word));
  });

  test('a machine that is not there', async () => {
    expect(await theirs('7.2-linux/showvminfo-unknown', `provider.info('${NAME}')`)).toEqual({
      VMState: 'not_found',
    });
  });
});
