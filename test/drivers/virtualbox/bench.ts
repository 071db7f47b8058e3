import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  Driver,
  DriverContext,
  DriverMachine,
  FlagValues,
  ReservedAddress,
} from '../../../src/core/driver.js';
import { createVirtualBoxDriver } from '../../../src/drivers/virtualbox/driver.js';
import { context, stored } from '../../contract/driver-contract.js';
import { FakeVirtualBox, type FakeVirtualBoxOptions } from '../../support/fake-virtualbox.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { type TestPortsOptions, testPorts } from '../../support/virtualbox-ports.js';

const EMPTY = { string: '', int: 0, bool: false, slice: [] } as const;

export type BenchOptions = FakeVirtualBoxOptions &
  Partial<Omit<TestPortsOptions, 'processes' | 'room'>> & {
    readonly flags?: FlagValues;
  };

/** A VirtualBox in memory with the driver, and one machine `dev` in a room of its own. */
export class Bench {
  readonly box: FakeVirtualBox;
  readonly ports: ReturnType<typeof testPorts>;
  readonly driver: ReturnType<typeof createVirtualBoxDriver>;
  readonly lines: string[] = [];
  readonly context: DriverContext;
  readonly remove: () => Promise<void>;
  machine: DriverMachine;

  private constructor(
    room: { path: string; remove: () => Promise<void> },
    options: BenchOptions,
    box = new FakeVirtualBox(options),
  ) {
    this.box = box;
    this.ports = testPorts({ ...options, processes: box, room: room.path });
    this.driver = createVirtualBoxDriver(this.ports);
    this.context = context(this.lines);
    this.remove = room.remove;
    const storePath = join(room.path, 'store');
    this.machine = {
      name: 'dev',
      storePath,
      directory: join(storePath, 'machines', 'dev'),
      settings: this.driver.parseOptions(
        { ...defaultsOf(this.driver), 'virtualbox-no-share': true, ...options.flags },
        { name: 'dev', storePath },
      ),
    };
  }

  static async open(options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(await temporaryDirectory('vbox'), options);
    await mkdir(bench.machine.directory, { recursive: true, mode: 0o700 });
    return bench;
  }

  get imagePath(): string {
    return join(this.machine.directory, 'boot2docker.iso');
  }

  /** `create`, its settings kept as the store would. */
  async create(): Promise<void> {
    await writeFile(this.imagePath, 'image', { mode: 0o600 });
    const head = new TextEncoder().encode('boot2docker, please format-me');
    this.keep(await this.driver.create(this.machine, { imagePath: this.imagePath, head }, this.context));
  }

  /** An address beforehand, as for an image that takes a seed. */
  async reserve(): Promise<ReservedAddress['card'] | undefined> {
    const reserved = await this.driver.reserveAddress(this.machine, this.context);
    if (reserved !== undefined) this.keep(reserved.settings);
    return reserved?.card;
  }

  async start(): Promise<void> {
    this.keep(await this.driver.start(this.machine, this.context));
  }

  keep(settings: DriverMachine['settings']): void {
    this.machine = stored(this.machine, settings);
  }

  /** A driver of another process: nothing is remembered. */
  anotherProcess(): Driver {
    return createVirtualBoxDriver(this.ports);
  }
}

function defaultsOf(driver: Driver): FlagValues {
  return Object.fromEntries(
    driver.options.map(({ name, type, default: value }) => [name, value ?? EMPTY[type]]),
  );
}
