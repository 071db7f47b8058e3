import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type Driver,
  type DriverContext,
  type DriverMachine,
  type DriverSettings,
  type FlagValues,
  type GuestDisk,
  takesSnapshots,
} from '../../src/core/driver.js';
import { InterruptedError, UsageError } from '../../src/core/errors.js';
import type { Reporter } from '../../src/core/reporter.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** A driver with what the suite has to know of it. */
export interface DriverSubject {
  readonly driver: Driver;
  /** What a user gives; every other flag has its default. */
  readonly flags: FlagValues;
  /** Values that can never work. */
  readonly badFlags: readonly FlagValues[];
  /** What `create` gets, in the machine's directory. */
  disk(machine: DriverMachine): Promise<GuestDisk>;
  /** Takes the virtual machine away as a user with another tool would; only with power control. */
  deleteBehindOurBack?(machine: DriverMachine): Promise<void>;
  /** After each test: nothing of it may be left running. */
  close(): Promise<void>;
}

const BASE_FIELDS = [
  'IPAddress',
  'MachineName',
  'SSHUser',
  'SSHPort',
  'SSHKeyPath',
  'StorePath',
  'SwarmMaster',
  'SwarmHost',
  'SwarmDiscovery',
];

/** What every driver promises, whatever its hypervisor (src/drivers/README.md). `makeSubject` gets an empty directory. */
export function driverContract(
  name: string,
  makeSubject: (room: string) => Promise<DriverSubject>,
  options: { readonly powerControl: boolean },
): void {
  describe(`${name} keeps the driver contract`, () => {
    let room: Awaited<ReturnType<typeof temporaryDirectory>>;
    let subject: DriverSubject;
    let driver: Driver;

    beforeEach(async () => {
      room = await temporaryDirectory(`contract-${name}`);
      subject = await makeSubject(room.path);
      driver = subject.driver;
    });
    afterEach(async () => {
      await subject.close();
      await room.remove();
    });

    /** A machine `dev` in the room, its directory made, as core has it before `create`. */
    async function newMachine(): Promise<DriverMachine> {
      const storePath = join(room.path, 'store');
      const directory = join(storePath, 'machines', 'dev');
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const settings = driver.parseOptions(allFlags(), { name: 'dev', storePath });
      return { name: 'dev', storePath, directory, settings };
    }

    function allFlags(more: FlagValues = {}): FlagValues {
      const defaults = Object.fromEntries(
        driver.options.map(({ name: flag, type, default: value }) => [flag, value ?? EMPTY[type]]),
      );
      return { ...defaults, ...subject.flags, ...more };
    }

    async function created(): Promise<DriverMachine> {
      const machine = await newMachine();
      return stored(machine, await driver.create(machine, await subject.disk(machine), context()));
    }

    test('its flags are plain data with a help text, and defaults of their type', () => {
      const names = driver.options.map((option) => option.name);
      expect(new Set(names).size).toBe(names.length);
      for (const option of driver.options) {
        expect(option.name).toMatch(/^[a-z][a-z0-9-]*$/);
        expect(option.help).not.toBe('');
        expect(typeof (option.default ?? EMPTY[option.type])).toBe(typeof EMPTY[option.type]);
        if (option.env !== undefined) expect(option.env).toMatch(/^[A-Z][A-Z0-9_]*$/);
      }
    });

    test('flags become the same settings every time; the record begins with the common fields', () => {
      const machine = { name: 'dev', storePath: room.path };
      const settings = driver.parseOptions(allFlags(), machine);
      expect(driver.parseOptions(allFlags(), machine)).toEqual(settings);
      expect(Object.keys(settings.config).slice(0, BASE_FIELDS.length)).toEqual(BASE_FIELDS);
      expect(settings.config).toMatchObject({ MachineName: 'dev', StorePath: room.path });
    });

    test('values that can never work are usage errors', () => {
      for (const bad of subject.badFlags) {
        const parse = () => driver.parseOptions(allFlags(bad), { name: 'dev', storePath: room.path });
        expect(parse).toThrow(UsageError);
      }
    });

    test('the endpoint comes from what is stored, and so does the image that was asked for', async () => {
      const machine = await newMachine();
      const again = stored(machine, machine.settings);
      expect(driver.endpoint(again)).toEqual(driver.endpoint(machine));
      expect(driver.imageUrl(again.settings)).toBe('');
    });

    test('the precheck leaves no trace in the store of machines', async () => {
      const machine = await newMachine();
      const findings = await driver.precheck(machine, context());
      expect(findings.filter((finding) => finding.severity === 'refuse')).toEqual([]);
      expect(await readdir(machine.directory)).toEqual([]);
    });

    test('there is no console before the first start', async () => {
      expect(await driver.consoleTail(await created(), 10)).toBe('');
    });

    test('remove succeeds before create, after it, and when all is gone', async () => {
      const machine = await newMachine();
      await driver.remove(machine, context());
      const made = await created();
      await driver.remove(made, context());
      await driver.remove(made, context());
    });

    test('remove takes nothing that others keep in the directory', async () => {
      const machine = await created();
      for (const file of ['config.json', 'tmachine.json', 'id_rsa', 'server-key.pem', 'note.txt']) {
        await writeFile(join(machine.directory, file), 'theirs');
      }
      await driver.remove(machine, context());
      expect(await readdir(machine.directory)).toEqual(
        expect.arrayContaining(['config.json', 'id_rsa', 'note.txt', 'server-key.pem', 'tmachine.json']),
      );
    });

    test('nothing private is readable by others', async () => {
      const machine = await created();
      expect(await readableByOthers(machine.directory)).toEqual([]);
    });

    if (!options.powerControl) {
      test('power is refused in the contract\u2019s words', async () => {
        const machine = await created();
        for (const action of ['start', 'stop', 'kill'] as const) {
          await expect(driver[action](machine, context())).rejects.toMatchObject({ verbatim: true });
        }
      });
      return;
    }

    test('P28: create again replaces an unfinished machine', async () => {
      await created();
      const machine = await created();
      expect(await driver.state(machine, context())).toBe('stopped');
    });

    test('a machine is missing, stopped, running, stopped and missing again', async () => {
      const machine = await newMachine();
      expect(await driver.state(machine, context())).toBe('missing');
      const made = await created();
      expect(await driver.state(made, context())).toBe('stopped');
      const running = stored(made, await driver.start(made, context()));
      expect(await driver.state(running, context())).toBe('running');
      const stopped = stored(running, await driver.stop(running, context()));
      expect(await driver.state(stopped, context())).toBe('stopped');
      await driver.remove(stopped, context());
      expect(await driver.state(stopped, context())).toBe('missing');
    });

    test('a started machine has an endpoint with ports', async () => {
      const made = await created();
      const { ssh, enginePort, address } = driver.endpoint(stored(made, await driver.start(made, context())));
      expect(enginePort).toBeGreaterThan(0);
      expect(ssh?.port).toBeGreaterThan(0);
      expect(address.kind).toMatch(/^(known|by-mac)$/);
    });

    test('a second start joins the first, and its ports stay', async () => {
      const made = await created();
      const first = stored(made, await driver.start(made, context()));
      const second = stored(first, await driver.start(first, context()));
      expect(driver.endpoint(second)).toEqual(driver.endpoint(first));
      expect(await driver.state(second, context())).toBe('running');
    });

    test('ports stay over stop and start', async () => {
      const made = await created();
      const first = stored(made, await driver.start(made, context()));
      const stopped = stored(first, await driver.stop(first, context()));
      const second = stored(stopped, await driver.start(stopped, context()));
      expect(driver.endpoint(second)).toEqual(driver.endpoint(first));
    });

    test('stop and kill have nothing to do with a machine that does not run', async () => {
      const machine = await created();
      await driver.stop(machine, context());
      await driver.kill(machine, context());
      expect(await driver.state(machine, context())).toBe('stopped');
    });

    test('kill ends a running machine, and it can be started again', async () => {
      const made = await created();
      const running = stored(made, await driver.start(made, context()));
      const killed = stored(running, await driver.kill(running, context()));
      expect(await driver.state(killed, context())).toBe('stopped');
      const again = stored(killed, await driver.start(killed, context()));
      expect(await driver.state(again, context())).toBe('running');
    });

    test('P37: remove takes a running machine with it', async () => {
      const made = await created();
      const running = stored(made, await driver.start(made, context()));
      await driver.remove(running, context());
      expect(await driver.state(running, context())).toBe('missing');
    });

    test('P28: a machine deleted behind our back is missing, and remove succeeds', async () => {
      const made = await created();
      await subject.deleteBehindOurBack?.(made);
      expect(await driver.state(made, context())).toBe('missing');
      await driver.remove(made, context());
    });

    test('P39: where there are snapshots: what branched from the one gone back to goes first, and one that is gone is deleted', async () => {
      if (!takesSnapshots(driver)) return;
      const made = await created();
      for (const name of ['before-1', 'before-2']) await driver.takeSnapshot(made, name, context());
      await driver.restoreSnapshot(made, 'before-1', context());
      for (const name of ['before-2', 'before-1', 'before-1']) {
        await driver.deleteSnapshot(made, name, context());
      }
      await expect(driver.restoreSnapshot(made, 'before-1', context())).rejects.toThrow();
      await driver.remove(made, context());
      expect(await driver.state(made, context())).toBe('missing');
    });

    test('an interrupted call ends with the reason, and the machine can still be told and removed', async () => {
      const made = await created();
      const interrupted = new AbortController();
      interrupted.abort(new InterruptedError('Ctrl-C'));
      const late = { ...context(), signal: interrupted.signal };
      await expect(driver.start(made, late)).rejects.toThrow('Ctrl-C');
      expect(await driver.state(made, context())).toMatch(/^(stopped|running|starting)$/);
      await driver.remove(made, context());
      expect(await driver.state(made, context())).toBe('missing');
    });
  });
}

const EMPTY = { string: '', int: 0, bool: false, slice: [] } as const;

/** The machine as it is after its settings went through the store's JSON. */
export function stored(machine: DriverMachine, settings: DriverSettings): DriverMachine {
  const parsed: DriverSettings = JSON.parse(JSON.stringify(settings));
  return { ...machine, settings: parsed };
}

/** A context that nobody interrupts and whose lines are kept. */
export function context(lines: string[] = []): DriverContext & { readonly lines: string[] } {
  const keep = (line: string) => {
    lines.push(line);
  };
  const reporter: Reporter = {
    step: keep,
    warn: keep,
    debug() {},
    progress: () => ({ update() {}, end() {} }),
  };
  return { signal: new AbortController().signal, reporter, lines };
}

/** Files below `directory` that have any permission for group or others. */
async function readableByOthers(directory: string): Promise<string[]> {
  const { lstat } = await import('node:fs/promises');
  const names = await readdir(directory);
  const found: string[] = [];
  for (const name of names) {
    const { mode } = await lstat(join(directory, name));
    if ((mode & 0o077) !== 0) found.push(`${name} ${(mode & 0o777).toString(8)}`);
  }
  return found;
}
