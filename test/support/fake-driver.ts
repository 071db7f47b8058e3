import { newBaseDriver } from '../../src/core/base-driver.js';
import type {
  Capabilities,
  Driver,
  DriverContext,
  DriverMachine,
  DriverOption,
  DriverSettings,
  Endpoint,
  Finding,
  FlagValues,
  GuestDisk,
} from '../../src/core/driver.js';
import { throwIfInterrupted, UsageError } from '../../src/core/errors.js';
import type { MachineState } from '../../src/core/machine.js';

type Step = 'precheck' | 'create' | 'start' | 'stop' | 'kill' | 'remove' | 'state';

export interface FakeDriverOptions {
  readonly name?: string;
  readonly capabilities?: Partial<Capabilities>;
  /** What `precheck` finds. */
  readonly findings?: readonly Finding[];
  /** Where machines are reached; the ports are those that `start` gave out, unless named here. */
  readonly endpoint?: Partial<Endpoint>;
}

/** A virtual machine of the fake hypervisor. */
interface FakeVm {
  state: MachineState;
  disk: GuestDisk;
  console: string;
}

/** A held call: the test knows that it is there, and lets it go on. */
export interface Held {
  readonly reached: Promise<void>;
  release(): void;
}

const OPTIONS: readonly DriverOption[] = [
  {
    name: 'fake-memory',
    type: 'int',
    default: 1024,
    env: 'FAKE_MEMORY',
    help: 'Size of memory for host in MB',
  },
  {
    name: 'fake-image-url',
    type: 'string',
    default: '',
    env: 'FAKE_IMAGE_URL',
    help: 'The URL of the image',
  },
];

/**
 * A driver whose hypervisor is in memory, for the tests of actions. Calls are recorded; a step can be made to fail once, or be held so
 * that a test can interrupt it. It keeps the same contract as the real ones (test/contract/driver-contract.ts).
 */
export class FakeDriver implements Driver {
  readonly name: string;
  readonly title = 'fake VM';
  readonly options = OPTIONS;
  readonly capabilities: Capabilities;
  /** Such as `start dev`, in order. */
  readonly calls: string[] = [];
  readonly #fake: FakeDriverOptions;
  /** By machine directory: a store that is deleted and made anew finds its machines still there, as with a real hypervisor. */
  readonly #vms = new Map<string, FakeVm>();
  readonly #failures = new Map<Step, Error>();
  readonly #holds = new Map<Step, { reach: () => void; gate: Promise<void> }>();
  #nextPort = 40_000;

  constructor(fake: FakeDriverOptions = {}) {
    this.#fake = fake;
    this.name = fake.name ?? 'fake';
    this.capabilities = {
      powerControl: true,
      needsImage: true,
      takesSeed: true,
      provisionable: true,
      ...fake.capabilities,
    };
  }

  /** The next call of `step` throws this. */
  failNext(step: Step, error: Error): void {
    this.#failures.set(step, error);
  }

  /** The next call of `step` waits until it is released or interrupted. */
  holdNext(step: Step): Held {
    let reach = () => {};
    let release = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#holds.set(step, { reach, gate });
    return { reached, release };
  }

  /** What the virtual machine of this directory is in; a new state may be set behind our back. */
  setState(directory: string, state: MachineState): void {
    const vm = this.#vms.get(directory);
    if (vm === undefined) throw new Error(`no virtual machine in ${directory}`);
    vm.state = state;
  }

  /** Deletes the virtual machine behind our back. */
  deleteVm(directory: string): void {
    this.#vms.delete(directory);
  }

  /** The disk that `create` was given. */
  diskOf(directory: string): GuestDisk | undefined {
    return this.#vms.get(directory)?.disk;
  }

  /** What the guest has written on its console. */
  setConsole(directory: string, text: string): void {
    const vm = this.#vms.get(directory);
    if (vm !== undefined) vm.console = text;
  }

  parseOptions(
    flags: FlagValues,
    machine: { readonly name: string; readonly storePath: string },
  ): DriverSettings {
    const memory = flags['fake-memory'];
    if (typeof memory !== 'number' || memory < 1) {
      throw new UsageError({ message: `--fake-memory cannot be ${memory}` });
    }
    const base = newBaseDriver(machine, {
      IPAddress: '127.0.0.1',
      SSHUser: 'docker',
      SSHKeyPath: `${machine.storePath}/machines/${machine.name}/id_rsa`,
    });
    return {
      config: {
        ...base,
        EnginePort: 0,
        Memory: memory,
        Boot2DockerURL: String(flags['fake-image-url'] ?? ''),
      },
      extra: { fake: true },
    };
  }

  imageUrl(settings: DriverSettings): string {
    return String(settings.config['Boot2DockerURL'] ?? '');
  }

  async precheck(machine: DriverMachine, context: DriverContext): Promise<readonly Finding[]> {
    await this.#step('precheck', machine, context);
    return this.#fake.findings ?? [];
  }

  async create(machine: DriverMachine, disk: GuestDisk, context: DriverContext): Promise<DriverSettings> {
    await this.#step('create', machine, context);
    this.#vms.set(machine.directory, { state: 'stopped', disk, console: '' });
    return machine.settings;
  }

  async start(machine: DriverMachine, context: DriverContext): Promise<DriverSettings> {
    await this.#step('start', machine, context);
    const vm = this.#vms.get(machine.directory);
    if (vm === undefined) throw new Error('machine does not exist');
    vm.state = 'running';
    const { config } = machine.settings;
    if (config['SSHPort'] !== 0) return machine.settings;
    this.#nextPort += 2;
    return {
      ...machine.settings,
      config: { ...config, SSHPort: this.#nextPort, EnginePort: this.#nextPort + 1 },
    };
  }

  async stop(machine: DriverMachine, context: DriverContext): Promise<DriverSettings> {
    return this.#rest('stop', machine, context);
  }

  async kill(machine: DriverMachine, context: DriverContext): Promise<DriverSettings> {
    return this.#rest('kill', machine, context);
  }

  async remove(machine: DriverMachine, context: DriverContext): Promise<void> {
    await this.#step('remove', machine, context);
    this.#vms.delete(machine.directory);
  }

  async state(machine: DriverMachine, context: DriverContext): Promise<MachineState> {
    await this.#step('state', machine, context);
    return this.#vms.get(machine.directory)?.state ?? 'missing';
  }

  endpoint(machine: DriverMachine): Endpoint {
    const { config } = machine.settings;
    const sshPort = Number(config['SSHPort'] ?? 0);
    return {
      address: { kind: 'known', host: '127.0.0.1' },
      enginePort: Number(config['EnginePort'] ?? 0),
      guestEnginePort: 2376,
      ssh: { host: '127.0.0.1', port: sshPort, user: 'docker', keyPath: `${machine.directory}/id_rsa` },
      ...this.#fake.endpoint,
    };
  }

  async consoleTail(machine: DriverMachine, lines: number): Promise<string> {
    const text = this.#vms.get(machine.directory)?.console ?? '';
    return text.split('\n').slice(-lines).join('\n');
  }

  async #rest(
    step: 'stop' | 'kill',
    machine: DriverMachine,
    context: DriverContext,
  ): Promise<DriverSettings> {
    await this.#step(step, machine, context);
    const vm = this.#vms.get(machine.directory);
    if (vm !== undefined) vm.state = 'stopped';
    return machine.settings;
  }

  async #step(step: Step, machine: DriverMachine, { signal }: DriverContext): Promise<void> {
    this.calls.push(`${step} ${machine.name}`);
    throwIfInterrupted(signal);
    const hold = this.#holds.get(step);
    if (hold !== undefined) {
      this.#holds.delete(step);
      hold.reach();
      await Promise.race([hold.gate, interruption(signal)]);
      throwIfInterrupted(signal);
    }
    const failure = this.#failures.get(step);
    if (failure !== undefined) {
      this.#failures.delete(step);
      throw failure;
    }
  }
}

function interruption(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
