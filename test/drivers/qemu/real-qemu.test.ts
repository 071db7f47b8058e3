import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Driver, DriverMachine, FlagValues } from '../../../src/core/driver.js';
import { TimedOutError } from '../../../src/core/errors.js';
import type { Clock } from '../../../src/core/ports.js';
import { createQemuDriver } from '../../../src/drivers/qemu/driver.js';
import type { QemuPorts } from '../../../src/drivers/qemu/ports.js';
import { askMonitor, type MonitorAddress } from '../../../src/drivers/qemu/qmp.js';
import { listRuns, monitorOf, type Run } from '../../../src/drivers/qemu/run.js';
import { context, stored } from '../../contract/driver-contract.js';
import { realQemuPorts } from '../../support/qemu-ports.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { tinyGuest } from '../../support/tiny-guest.js';

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
let ports: QemuPorts;
let driver: Driver;
const machines: DriverMachine[] = [];
const strangers: (() => void)[] = [];

beforeEach(async () => {
  room = await temporaryDirectory('qemu');
  ports = realQemuPorts(room.path);
  driver = createQemuDriver(ports);
});
afterEach(async () => {
  for (const machine of machines.splice(0)) {
    for (const pid of qemusOf(machine.directory)) process.kill(pid, 'SIGKILL');
  }
  for (const end of strangers.splice(0)) end();
  await room.remove();
});

/** Every QEMU whose working directory is the machine's: what is there, whatever our records say. */
function qemusOf(directory: string): number[] {
  const output = execFileSync('sh', ['-c', 'ls -l /proc/[0-9]*/cwd 2>/dev/null || true'], {
    encoding: 'utf8',
  });
  return output
    .split('\n')
    .filter((line) => line.endsWith(` -> ${directory}`))
    .map((line) => Number(/\/proc\/(\d+)\/cwd/.exec(line)?.[1]))
    .filter((pid) => pid > 0 && pid !== process.pid);
}

/** Waits until no QEMU is left: one whose monitor alone is seen closes that a moment before it is gone. */
async function gone(directory: string): Promise<void> {
  for (let tries = 0; tries < 500 && qemusOf(directory).length > 0; tries += 1) await ports.clock.sleep(20);
  expect(qemusOf(directory)).toEqual([]);
}

async function newMachine(
  name = 'dev',
  flags: FlagValues = {},
  guest: Uint8Array = tinyGuest(),
  storePath = join(room.path, 'store'),
): Promise<DriverMachine> {
  const directory = join(storePath, 'machines', name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'boot2docker.iso'), new Uint8Array(1024 * 1024));
  const defaults = Object.fromEntries(driver.options.map((option) => [option.name, option.default ?? '']));
  const settings = driver.parseOptions(
    { ...defaults, 'qemu-memory': 256, 'qemu-accelerator': 'tcg', 'qemu-disk-size': 1200, ...flags },
    { name, storePath },
  );
  const machine = { name, storePath, directory, settings };
  machines.push(machine);
  const disk = { imagePath: join(directory, 'boot2docker.iso'), head: guest };
  return stored(machine, await driver.create(machine, disk, context()));
}

async function started(machine: DriverMachine, lines: string[] = []): Promise<DriverMachine> {
  return stored(machine, await driver.start(machine, context(lines)));
}

async function onlyRun(machine: DriverMachine): Promise<Run> {
  const runs = await listRuns(machine.directory);
  expect(runs).toHaveLength(1);
  const [run] = runs;
  if (run === undefined) throw new Error('no run');
  return run;
}

async function consoleShows(machine: DriverMachine, text: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await driver.consoleTail(machine, 20)).includes(text)) return;
    await ports.clock.sleep(25);
  }
  throw new Error(`the console never showed "${text}"`);
}

/** A QEMU that was just launched has come up or ended: what the grace is for that a faster clock skips. */
async function settled(machine: DriverMachine): Promise<void> {
  const options = { clock: ports.clock, signal: new AbortController().signal, timeoutMs: 5_000 };
  for (let tries = 0; tries < 500 && qemusOf(machine.directory).length > 0; tries += 1) {
    for (const run of await listRuns(machine.directory)) {
      const address = await monitorOf(machine.directory, run, ports);
      const answer = await askMonitor(address, 'query-status', options).catch(() => undefined);
      if (answer !== undefined) return;
    }
    await ports.clock.sleep(20);
  }
}

/** Holds a port of 127.0.0.1 until the test ends. */
async function occupy(port = 0): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  strangers.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Time that runs `factor` times faster: for waits of minutes against a real QEMU. */
function fastClock(clock: Clock, factor: number): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic() * factor,
    sleep: (ms, signal) => clock.sleep(ms / factor, signal),
  };
}

describe('P28: whatever becomes of QEMU or of us, there is never a second one, and none that is not known', () => {
  test('two starts at once lead to one QEMU, and both tell its ports', async () => {
    const machine = await newMachine();
    const other = createQemuDriver(realQemuPorts(room.path));
    const [one, two] = await Promise.all([driver.start(machine, context()), other.start(machine, context())]);
    expect(qemusOf(machine.directory)).toHaveLength(1);
    expect(two).toEqual(one);
    expect(await driver.state(stored(machine, one), context())).toBe('running');
  });

  test('three machines started at once do not share a port', async () => {
    const made = [await newMachine('a'), await newMachine('b'), await newMachine('c')];
    const drivers = made.map(() => createQemuDriver(realQemuPorts(room.path)));
    const running = await Promise.all(
      made.map(async (machine, index) =>
        stored(machine, (await drivers[index]?.start(machine, context())) ?? machine.settings),
      ),
    );
    const used = running.flatMap((machine) => {
      const { ssh, enginePort } = driver.endpoint(machine);
      return [ssh?.port, enginePort];
    });
    expect(new Set(used).size).toBe(6);
    for (const machine of running) expect(await driver.state(machine, context())).toBe('running');
  });

  test('a QEMU that was killed from outside is stopped, its left-over socket and pid file mean nothing', async () => {
    const machine = await started(await newMachine());
    const { id } = await onlyRun(machine);
    const [pid = 0] = qemusOf(machine.directory);
    process.kill(pid, 'SIGKILL');
    while (qemusOf(machine.directory).length > 0) await ports.clock.sleep(10);
    expect(existsSync(join(machine.directory, `qemu-${id}.sock`))).toBe(true);
    expect(existsSync(join(machine.directory, `qemu-${id}.pid`))).toBe(true);
    expect(await driver.state(machine, context())).toBe('stopped');
    const again = await started(machine);
    expect(await driver.state(again, context())).toBe('running');
    expect(driver.endpoint(again)).toEqual(driver.endpoint(machine));
    expect((await onlyRun(again)).id).not.toBe(id);
  });

  test.each([
    ['another start time', (pid: number) => ({ pid, startedAt: 'another boot 12345' })],
    ['no start time at all', (pid: number) => ({ pid, startedAt: '' })],
    ['no process recorded, the pid file alone', () => undefined],
  ])('the number of a stranger is never hit: %s', async (_what, identity) => {
    const machine = await newMachine();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    strangers.push(() => stranger.kill('SIGKILL'));
    const pid = stranger.pid ?? 0;
    const record = { id: '0a0b0c0d', sshPort: 1, enginePort: 2, monitorPort: 0, process: identity(pid) };
    await writeFile(join(machine.directory, 'qemu-0a0b0c0d.json'), JSON.stringify(record));
    await writeFile(join(machine.directory, 'qemu-0a0b0c0d.pid'), `${pid}\n`);
    expect(await driver.state(machine, context())).toBe('stopped');
    await driver.kill(machine, context());
    await driver.stop(machine, context());
    await driver.remove(machine, context());
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(process.kill(pid, 0)).toBe(true);
  });

  test('a QEMU whose starter was killed before it could note the process is still known', async () => {
    const machine = await started(await newMachine());
    const { process: _, ...intent } = await onlyRun(machine);
    await writeFile(join(machine.directory, `qemu-${intent.id}.json`), JSON.stringify(intent));
    expect(await driver.state(machine, context())).toBe('running');
    expect(await driver.start(machine, context())).toEqual(machine.settings);
    expect(qemusOf(machine.directory)).toHaveLength(1);
    await driver.kill(machine, context());
    expect(qemusOf(machine.directory)).toEqual([]);
  });

  test.each(['', '{"id":', '[]', 'null', '{"process":{"pid":"x"}}'])(
    'P27: a QEMU whose record is damaged is still known: %j',
    async (damage) => {
      const machine = await started(await newMachine());
      const { id } = await onlyRun(machine);
      await writeFile(join(machine.directory, `qemu-${id}.json`), damage);
      expect(await driver.state(machine, context())).toBe('running');
      await driver.remove(machine, context());
      expect(qemusOf(machine.directory)).toEqual([]);
    },
  );

  test('a start that was cut off before its ports were saved is finished by the next one', async () => {
    const machine = await newMachine();
    const settings = await driver.start(machine, context());
    // The record in the store still has the ports of before.
    expect(await driver.state(machine, context())).toBe('starting');
    expect(await driver.start(machine, context())).toEqual(settings);
    expect(await driver.state(stored(machine, settings), context())).toBe('running');
  });

  test('killed at every single step of a start: the next one works, and only one QEMU is there', async () => {
    const machine = await newMachine();
    // The next tmachine comes when the grace for a start that may still be under way is over.
    const later = {
      ...ports,
      clock: { ...fastClock(ports.clock, 1), now: () => ports.clock.now() + 60_000 },
    };
    const next = createQemuDriver(later);
    let steps = 0;
    for (let dieAt = 1; ; dieAt += 1) {
      const mortal = diesAt(ports, dieAt);
      const end = await Promise.race([
        createQemuDriver(mortal.ports)
          .start(machine, context())
          .then(() => 'done' as const),
        mortal.dead,
      ]);
      steps = dieAt;
      if (end === 'done') break;
      await settled(machine);
      const settings = await next.start(machine, context());
      expect(qemusOf(machine.directory)).toHaveLength(1);
      expect(await next.state(stored(machine, settings), context())).toBe('running');
      await next.kill(machine, context());
      expect(qemusOf(machine.directory)).toEqual([]);
      expect((await readdir(machine.directory)).filter((name) => name.startsWith('qemu-'))).toEqual([]);
    }
    expect(steps).toBeGreaterThan(8);
  }, 60_000);

  test('a start is on record, with its ports and its starter, before QEMU is there', async () => {
    const machine = await newMachine();
    let recorded: Run[] = [];
    const { processes } = ports;
    const watched: QemuPorts = {
      ...ports,
      processes: {
        find: (program) => processes.find(program),
        run: (file, args, options) => processes.run(file, args, options),
        attach: (file, args, options) => processes.attach(file, args, options),
        launch: async (file, args, options) => {
          recorded = await listRuns(machine.directory);
          return processes.launch(file, args, options);
        },
      },
    };
    const { config } = await createQemuDriver(watched).start(machine, context());
    expect(recorded).toMatchObject([
      {
        launcher: { pid: process.pid },
        sshPort: config['SSHPort'],
        enginePort: config['EnginePort'],
      },
    ]);
  });

  test('a QEMU that another client keeps busy is known by its pid file and that client', async () => {
    const machine = await started(await newMachine());
    const { process: _, ...intent } = await onlyRun(machine);
    await writeFile(join(machine.directory, `qemu-${intent.id}.json`), JSON.stringify(intent));
    const client = connect({ path: join(machine.directory, `qemu-${intent.id}.sock`) });
    strangers.push(() => client.destroy());
    await new Promise((resolve) => client.once('data', resolve));
    const hasty = createQemuDriver({ ...ports, clock: fastClock(ports.clock, 10) });
    // More questions than fit QEMU's queue.
    for (let looks = 0; looks < 4; looks += 1) {
      expect(await hasty.state(machine, context())).toBe('running');
    }
    await hasty.kill(machine, context());
    expect(qemusOf(machine.directory)).toEqual([]);
  });

  test('from a container that shares the store but sees none of its processes, a machine is known, stopped and killed', async () => {
    const blind: QemuPorts = {
      ...ports,
      processTable: {
        self: () => ports.processTable.self(),
        identify: async () => undefined,
        isAlive: async () => false,
        signal: async () => {},
      },
    };
    const there = createQemuDriver(blind);
    const first = await started(await newMachine());
    expect(await there.state(first, context())).toBe('running');
    expect(await there.start(first, context())).toEqual(first.settings);
    expect(qemusOf(first.directory)).toHaveLength(1);
    await there.stop(first, context());
    await gone(first.directory);
    const second = await started(first);
    await there.kill(second, context());
    await gone(second.directory);
    expect(await driver.state(second, context())).toBe('stopped');
  });

  test('a create that was killed while it wrote the disk leaves nothing behind the next one', async () => {
    const machine = await newMachine();
    await writeFile(join(machine.directory, 'disk.qcow2.00aabbcc'), 'half a disk with keys in it');
    const disk = { imagePath: '', head: tinyGuest() };
    await driver.create(machine, disk, context());
    expect(await readdir(machine.directory)).not.toContain('disk.qcow2.00aabbcc');
  });

  test('a disk that another program holds is told, after the time that a killed QEMU needs to let go', async () => {
    const machine = await newMachine();
    const disk = join(machine.directory, 'disk.qcow2');
    const holder = spawn('qemu-io', ['-c', 'sleep 60000', disk], { stdio: 'ignore' });
    strangers.push(() => holder.kill('SIGKILL'));
    while (
      !execFileSync('cat', ['/proc/locks'], { encoding: 'utf8' }).includes(`${(await stat(disk)).ino} `)
    ) {
      await ports.clock.sleep(20);
    }
    await expect(driver.start(machine, context())).rejects.toMatchObject({
      code: 'QEMU_DISK_IN_USE',
      message: 'Cannot start machine "dev": its disk is in use by another program',
    });
    const start = driver.start(machine, context());
    await ports.clock.sleep(800);
    holder.kill('SIGKILL');
    expect(await driver.state(stored(machine, await start), context())).toBe('running');
  });

  test('the disk of a running machine is not made anew', async () => {
    const machine = await started(await newMachine());
    await expect(
      driver.create(machine, { imagePath: '', head: tinyGuest() }, context()),
    ).rejects.toMatchObject({
      code: 'QEMU_RUNNING',
    });
    expect(await driver.state(machine, context())).toBe('running');
  });
});

/** The same ports, but the process "dies" at its `dieAt`-th use of them: that call, and all after it, never come back. */
function diesAt(
  real: QemuPorts,
  dieAt: number,
): { readonly ports: QemuPorts; readonly dead: Promise<'dead'> } {
  let uses = 0;
  let die = (_: 'dead') => {};
  const dead = new Promise<'dead'>((resolve) => {
    die = resolve;
  });
  const mortal = <T extends unknown[], R>(call: (...args: T) => Promise<R>): ((...args: T) => Promise<R>) => {
    return async (...args) => {
      uses += 1;
      if (uses < dieAt) return call(...args);
      die('dead');
      return new Promise<R>(() => {});
    };
  };
  const table = real.processTable;
  return {
    dead,
    ports: {
      ...real,
      processes: {
        find: mortal((program) => real.processes.find(program)),
        run: mortal((file, args, options) => real.processes.run(file, args, options)),
        attach: mortal((file, args, options) => real.processes.attach(file, args, options)),
        // Once with the program not yet started, once with it started and nobody to hear of it.
        launch: async (file, args, options) => {
          await mortal(async () => {})();
          const launched = await real.processes.launch(file, args, options);
          await mortal(async () => {})();
          return launched;
        },
      },
      processTable: {
        self: mortal(async () => ({ pid: 999_999_999, startedAt: 'a process that is gone' })),
        identify: mortal((pid) => table.identify(pid)),
        isAlive: mortal((process) => table.isAlive(process)),
        signal: mortal((process, signal) => table.signal(process, signal)),
      },
      loopback: {
        free: mortal((port) => real.loopback.free(port)),
        isFree: mortal((port) => real.loopback.isFree(port)),
      },
      files: {
        replace: mortal((from, to, options) => real.files.replace(from, to, options)),
        discard: mortal((path) => real.files.discard(path)),
      },
    },
  };
}

describe('ports', () => {
  test('P14: the machine is reached on 127.0.0.1 alone, by two forwards', async () => {
    const machine = await started(await newMachine());
    const { ssh, enginePort } = driver.endpoint(machine);
    const listening = execFileSync('ss', ['-ltnpH'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`pid=${qemusOf(machine.directory)[0]},`))
      .map((line) => line.trim().split(/\s+/)[3]);
    expect(listening.sort()).toEqual([`127.0.0.1:${ssh?.port}`, `127.0.0.1:${enginePort}`].sort());
  });

  test('a remembered port that is taken moves, in one line', async () => {
    const first = await started(await newMachine());
    await driver.kill(first, context());
    const { enginePort, ssh } = driver.endpoint(first);
    await occupy(enginePort);
    const lines: string[] = [];
    const second = await started(first, lines);
    const moved = driver.endpoint(second).enginePort;
    expect(moved).not.toBe(enginePort);
    expect(driver.endpoint(second).ssh).toEqual(ssh);
    expect(lines).toEqual([
      `Port ${enginePort} for Docker is in use by another program, using ${moved} from now on...`,
    ]);
  });

  test('a port that was asked for is kept, or refused with the way to find who has it', async () => {
    const asked = await occupy();
    const machine = await newMachine('dev', { 'qemu-engine-port': asked });
    await expect(driver.start(machine, context())).rejects.toMatchObject({
      message: `Port 127.0.0.1:${asked}, asked for Docker, is in use by another program`,
      nextSteps: expect.arrayContaining([`see which program has it: ss -ltnp 'sport = :${asked}'`]),
    });
    expect(await driver.precheck(machine, context())).toMatchObject([
      { severity: 'refuse', code: 'QEMU_PORT_TAKEN' },
    ]);
    strangers.splice(0).map((end) => end());
    expect(driver.endpoint(await started(machine)).enginePort).toBe(asked);
  });

  test('a port that is taken between the look and the start costs another try, nothing else', async () => {
    const taken = await occupy();
    let looks = 0;
    const blind = {
      ...ports,
      loopback: {
        ...ports.loopback,
        isFree: (port: number) => ports.loopback.isFree(port),
        free: async () => (looks++ === 0 ? taken : ports.loopback.free()),
      },
    };
    const machine = await newMachine();
    const settings = await createQemuDriver(blind).start(machine, context());
    expect(settings.config['SSHPort']).not.toBe(taken);
    expect(qemusOf(machine.directory)).toHaveLength(1);
    expect(await driver.state(stored(machine, settings), context())).toBe('running');
  });
});

test('after kill the disk and the ports are free at once, also when QEMU had to be killed the hard way', async () => {
  const machine = await started(await newMachine());
  const { ssh, enginePort } = driver.endpoint(machine);
  const [pid = 0] = qemusOf(machine.directory);
  process.kill(pid, 'SIGSTOP'); // it takes no command
  await createQemuDriver({ ...ports, clock: fastClock(ports.clock, 10) }).kill(machine, context());
  execFileSync('qemu-img', ['check', '-q', join(machine.directory, 'disk.qcow2')]);
  await occupy(ssh?.port);
  await occupy(enginePort);
});

describe('stop', () => {
  test('a guest that is still booting hears the button when it is ready', async () => {
    const machine = await started(await newMachine('dev', {}, tinyGuest({ bootTicks: 50 })));
    await driver.stop(machine, context());
    expect(qemusOf(machine.directory)).toEqual([]);
    expect(await driver.consoleTail(machine, 3)).toBe(
      'tiny guest: up\ntiny guest: ready\ntmachine-guest: shutdown',
    );
  });

  test('P18: a guest that never hears it is a timeout with its last words and the way to force it', async () => {
    const machine = await started(await newMachine('dev', {}, tinyGuest({ hearsButton: false })));
    await consoleShows(machine, 'ready');
    const hasty = createQemuDriver({ ...ports, clock: fastClock(ports.clock, 40) });
    const failure = await hasty.stop(machine, context()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TimedOutError);
    expect(failure).toMatchObject({
      code: 'QEMU_STOP_TIMEOUT',
      message: expect.stringMatching(/^Timed out after 12\d s waiting for machine "dev" to shut down$/),
      reason: 'the guest was asked to shut down and is still running; its console shows: tiny guest: ready',
      nextSteps: ['pull its plug with: tmachine kill dev'],
    });
    expect(await driver.state(machine, context())).toBe('running');
    await driver.kill(machine, context());
    expect(await driver.state(machine, context())).toBe('stopped');
  });

  test('a paused machine is woken first', async () => {
    const machine = await started(await newMachine());
    await consoleShows(machine, 'ready');
    await pause(await monitorOf(machine.directory, await onlyRun(machine), ports));
    expect(await driver.state(machine, context())).toBe('paused');
    await driver.stop(machine, context());
    expect(await driver.state(machine, context())).toBe('stopped');
  });

  test('start wakes a paused machine', async () => {
    const machine = await started(await newMachine());
    await pause(await monitorOf(machine.directory, await onlyRun(machine), ports));
    await started(machine);
    expect(await driver.state(machine, context())).toBe('running');
  });
});

/** Pauses the guest as somebody at QEMU's monitor would. */
async function pause(address: MonitorAddress): Promise<void> {
  if (address.kind !== 'unix') throw new Error('no socket');
  const socket = connect({ path: join(address.directory, address.fileName) });
  socket.write('{"execute":"qmp_capabilities"}\n{"execute":"stop"}\n');
  for await (const chunk of socket) if (String(chunk).includes('"STOP"')) break;
}

describe('control connection', () => {
  test('P11: a store with blanks, commas, quotes, letters outside ASCII, and a path longer than a socket may have', async () => {
    const storePath = join(room.path, `Käyttäjä O'Neil, X=1 ${'deep/'.repeat(25)}`);
    const temporaryDirectory = join(room.path, 't');
    await mkdir(temporaryDirectory);
    driver = createQemuDriver(realQemuPorts(room.path, { temporaryDirectory }));
    const machine = await started(await newMachine('dev', {}, tinyGuest(), storePath));
    expect(machine.directory.length).toBeGreaterThan(150);
    await consoleShows(machine, 'ready');
    expect(await driver.state(machine, context())).toBe('running');
    await driver.stop(machine, context());
    expect(await driver.state(machine, context())).toBe('stopped');
    expect(await readdir(temporaryDirectory)).toEqual([]);
  });

  test('on Windows it is TLS with a key of its own, over the whole life of a machine', async () => {
    const windows = realQemuPorts(room.path, { platform: 'win32' });
    const there = createQemuDriver(windows);
    const machine = await newMachine();
    const running = stored(machine, await there.start(machine, context()));
    const run = await onlyRun(running);
    expect(run.monitorPort).toBeGreaterThan(0);
    expect((await stat(join(machine.directory, `qemu-${run.id}.keys`))).mode & 0o777).toBe(0o700);
    expect(await there.state(running, context())).toBe('running');
    const address = await monitorOf(machine.directory, run, windows);
    const options = { clock: ports.clock, signal: new AbortController().signal, timeoutMs: 5_000 };
    const wrong = { kind: 'tls', port: run.monitorPort, key: new Uint8Array(32) } as const;
    await expect(askMonitor(wrong, 'quit', options)).rejects.toMatchObject({ fault: 'absent' });
    expect(await askMonitor(address, 'query-status', options)).toMatchObject({ status: 'running' });
    await there.stop(running, context());
    expect(await there.state(running, context())).toBe('stopped');
    expect((await readdir(machine.directory)).filter((name) => name.startsWith('qemu-'))).toEqual([]);
  });

  test('where no socket can be made in the directory, TLS takes its place', async () => {
    const machine = await newMachine();
    const random = {
      bytes(count: number) {
        const bytes = ports.random.bytes(count);
        const id = Buffer.from(bytes).toString('hex');
        // QEMU cannot replace a directory by its socket, as it cannot make one on a file system without sockets.
        if (count === 4) mkdirSync(join(machine.directory, `qemu-${id}.sock`));
        return bytes;
      },
    };
    const settings = await createQemuDriver({ ...ports, random }).start(machine, context());
    const live = (await listRuns(machine.directory)).filter((run) => run.process !== undefined);
    expect(live).toMatchObject([{ monitorPort: expect.any(Number) }]);
    expect(live[0]?.monitorPort).toBeGreaterThan(0);
    expect(await driver.state(stored(machine, settings), context())).toBe('running');
  });

  test('ten questions at once are all answered', async () => {
    const machine = await started(await newMachine());
    const states = await Promise.all(Array.from({ length: 10 }, () => driver.state(machine, context())));
    expect(states).toEqual(Array.from({ length: 10 }, () => 'running'));
  });

  test('a QEMU that is held still counts as running, and kill ends it', async () => {
    const machine = await started(await newMachine());
    const [pid = 0] = qemusOf(machine.directory);
    process.kill(pid, 'SIGSTOP');
    const hasty = createQemuDriver({ ...ports, clock: fastClock(ports.clock, 10) });
    expect(await hasty.state(machine, context())).toBe('running');
    await hasty.kill(machine, context());
    expect(qemusOf(machine.directory)).toEqual([]);
  });
});

test('QEMU is a session of its own: neither Ctrl-C nor a closed terminal reaches it', async () => {
  const machine = await started(await newMachine());
  const [pid = 0] = qemusOf(machine.directory);
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  expect(Number(fields[3])).toBe(pid); // session
  expect(Number(fields[4])).toBe(0); // no terminal
});

test('nothing that a running machine keeps is open to other users', async () => {
  const machine = await started(await newMachine());
  await consoleShows(machine, 'up');
  const names = (await readdir(machine.directory)).filter((name) => !name.endsWith('.iso'));
  for (const name of names) {
    // A socket has the mode that QEMU's umask leaves; the directory is 0700.
    if (name.endsWith('.sock') || name.endsWith('.pid')) continue;
    expect(`${name} ${((await stat(join(machine.directory, name))).mode & 0o077).toString(8)}`).toBe(
      `${name} 0`,
    );
  }
});

test('what QEMU says when it gives up is explained, and nothing is left', async () => {
  const machine = await newMachine('dev', { 'qemu-memory': 900_000_000 });
  await expect(driver.start(machine, context())).rejects.toMatchObject({
    code: 'QEMU_MEMORY',
    message: 'Cannot start machine "dev": this computer has not enough free memory',
  });
  expect(await driver.state(machine, context())).toBe('stopped');
  expect((await readdir(machine.directory)).filter((name) => name.startsWith('qemu-'))).toEqual([]);
});

test('P28: remove leaves the directory as create found it', async () => {
  const machine = await started(await newMachine());
  await consoleShows(machine, 'up');
  await driver.remove(machine, context());
  expect(await readdir(machine.directory)).toEqual(['boot2docker.iso']);
});
