import { readFileSync, rmSync } from 'node:fs';
import { ToolError } from '../../src/core/errors.js';
import type { ProcessIdentity, ProcessRunner, RunOptions, RunResult } from '../../src/core/ports.js';

export const VBOXMANAGE = '/usr/bin/VBoxManage';

/** A virtual machine of the fake VirtualBox. */
export interface FakeVm {
  readonly uuid: string;
  name: string;
  readonly settingsFile: string;
  readonly disk: string;
  readonly shares: readonly string[];
  state: string;
  forwards: { name: string; hostPort: string; guestPort: string }[];
  nic2: string;
  adapter2: string;
  readonly mac2: string;
  snapshots: string[];
}

interface FakeAdapter {
  name: string;
  address: string;
  netmask: string;
  status: string;
}

interface FakeServer {
  network: string;
  address: string;
  netmask: string;
  lower: string;
  upper: string;
  isEnabled: boolean;
  leases: Map<string, string>;
}

export interface FakeVirtualBoxOptions {
  readonly version?: string;
  /** How often the power button must be pressed; undefined: the guest never hears it. */
  readonly pressesToStop?: number | undefined;
  /** The name of the nth new adapter; default vboxnet0, vboxnet1 ... */
  readonly adapterName?: (index: number) => string;
}

type Answer = Partial<RunResult> & {
  readonly error?: Error /** Runs before the answer. */;
  readonly effect?: () => void;
};

const OK: Answer = {};

/**
 * A VirtualBox in memory that speaks as 7.2 does in the recordings of test/fixtures. Calls are kept; any can be made to answer otherwise. It obeys the
 * rules that the driver depends on: unknown and locked machines, forwards that are there already, what registers and what is deleted.
 */
export class FakeVirtualBox implements ProcessRunner {
  /** Every call's arguments, joined. */
  readonly calls: string[] = [];
  readonly vms: FakeVm[] = [];
  readonly adapters: FakeAdapter[] = [];
  readonly servers: FakeServer[] = [];
  readonly closedDisks: string[] = [];
  readonly #options: FakeVirtualBoxOptions;
  readonly #injected: { readonly pattern: RegExp; readonly answers: Answer[] }[] = [];
  #presses = 0;
  #made = 0;

  constructor(options: FakeVirtualBoxOptions = {}) {
    this.#options = { version: '7.2.22_Debianr175245', pressesToStop: 1, ...options };
  }

  /** The next calls that match are answered so, one answer each, without any effect. */
  inject(pattern: RegExp, ...answers: readonly Answer[]): void {
    this.#injected.push({ pattern, answers: [...answers] });
  }

  /** Calls since the last look. */
  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  async find(program: string): Promise<string | undefined> {
    return program === 'VBoxManage' ? VBOXMANAGE : undefined;
  }

  async run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    options.signal?.throwIfAborted();
    if (file !== VBOXMANAGE)
      throw new ToolError({ file, args, status: undefined, stderr: '', reason: 'not here' });
    const line = args.join(' ');
    this.calls.push(line);
    const injected = this.#injected.find(({ pattern, answers }) => pattern.test(line) && answers.length > 0);
    const { error, effect, ...answer } = injected?.answers.shift() ?? this.#answer(args);
    effect?.();
    if (error !== undefined) throw error;
    return { status: answer.stderr === undefined ? 0 : 1, stdout: '', stderr: '', ...answer };
  }

  async attach(): Promise<number> {
    throw new Error('VBoxManage is never attached');
  }

  async launch(): Promise<ProcessIdentity> {
    throw new Error('VBoxManage is never launched');
  }

  vm(nameOrUuid: string): FakeVm {
    const found = this.vms.find((it) => it.uuid === nameOrUuid || it.name === nameOrUuid);
    if (found === undefined) throw new Error(`no machine ${nameOrUuid}`);
    return found;
  }

  addAdapter(name: string, address: string, netmask = '255.255.255.0', status = 'Up'): void {
    this.adapters.push({ name, address, netmask, status });
  }

  #answer(args: readonly string[]): Answer {
    const [command = '', subject = '', ...rest] = args;
    switch (command) {
      case '--version':
        return { stdout: `${this.#options.version}\n` };
      case 'list':
        return this.#list(subject);
      case 'registervm':
        return this.#register(subject);
      case 'hostonlyif':
        return this.#hostOnly(subject, rest);
      case 'dhcpserver':
        return this.#dhcp(subject, rest);
      case 'closemedium':
        this.closedDisks.push(rest[0] ?? '');
        return OK;
      default:
        return this.#machine(command, subject, rest);
    }
  }

  #machine(command: string, subject: string, rest: readonly string[]): Answer {
    const vm = this.vms.find((it) => it.uuid === subject || it.name === subject);
    if (vm === undefined) return unknownMachine(subject);
    switch (command) {
      case 'showvminfo':
        return { stdout: info(vm) };
      case 'modifyvm':
        return isOff(vm) || vm.state === 'saved' ? this.#modify(vm, rest) : locked(vm);
      case 'startvm':
        if (!isOff(vm) && !/saved/.test(vm.state)) return locked(vm);
        vm.state = 'running';
        this.#presses = 0;
        return { stdout: `VM "${vm.name}" has been successfully started.\n` };
      case 'controlvm':
        return this.#control(vm, rest[0] ?? '');
      case 'discardstate':
        vm.state = 'poweroff';
        return OK;
      case 'snapshot':
        return snapshot(vm, rest);
      case 'unregistervm':
        if (!isOff(vm) && !/saved/.test(vm.state)) {
          return refusal(`Cannot unregister the machine '${vm.name}' while it is locked`);
        }
        this.vms.splice(this.vms.indexOf(vm), 1);
        if (rest.includes('--delete'))
          for (const path of [vm.settingsFile, vm.disk]) rmSync(path, { force: true });
        return OK;
      default:
        throw new Error(`VBoxManage has no ${command}`);
    }
  }

  #control(vm: FakeVm, action: string): Answer {
    if (isOff(vm) || /saved/.test(vm.state)) return refusal(`Machine '${vm.name}' is not currently running.`);
    switch (action) {
      case 'poweroff':
        vm.state = 'poweroff';
        return OK;
      case 'resume':
        vm.state = 'running';
        return OK;
      case 'acpipowerbutton':
        this.#presses += 1;
        if (this.#presses === this.#options.pressesToStop) vm.state = 'poweroff';
        return OK;
      default:
        throw new Error(`VBoxManage controlvm has no ${action}`);
    }
  }

  #modify(vm: FakeVm, options: readonly string[]): Answer {
    for (let at = 0; at < options.length; at += 2) {
      const [option = '', value = ''] = [options[at], options[at + 1]];
      if (/^--nat-?pf1$/.test(option) && value === 'delete') {
        const name = options[at + 2];
        const before = vm.forwards.length;
        vm.forwards = vm.forwards.filter((it) => it.name !== name);
        if (vm.forwards.length === before)
          return refusal(`Code NS_ERROR_INVALID_ARG: RemoveRedirect(${name})`);
        at += 1;
      } else if (/^--nat-?pf1$/.test(option)) {
        const [name = '', , , hostPort = '', , guestPort = ''] = value.split(',');
        if (vm.forwards.some((it) => it.name === name))
          return refusal('A NAT rule of this name already exists');
        vm.forwards.push({ name, hostPort, guestPort });
      } else if (option === '--nic2') vm.nic2 = value;
      else if (/^--(?:host-?only-?adapter|host-?only-?net)2$/.test(option)) vm.adapter2 = value;
      else if (!/^--(?:nic-?type|nic-?promisc|cable-?connected)2$/.test(option)) {
        throw new Error(`VBoxManage modifyvm has no ${option}`);
      }
    }
    return OK;
  }

  #register(file: string): Answer {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      return refusal(`Could not find a file '${file}'`);
    }
    const value = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
    const uuid = value(/<Machine uuid="\{([^}]+)\}"/);
    if (this.vms.some((it) => it.uuid === uuid || it.settingsFile === file)) {
      return refusal(`Registered machine with UUID {${uuid}} ('x') already exists`);
    }
    this.vms.push({
      uuid,
      name: value(/<Machine [^>]*name="([^"]+)"/),
      settingsFile: file,
      disk: value(/<HardDisk [^>]*location="([^"]+)"/),
      shares: [...text.matchAll(/<SharedFolder name="([^"]+)"/g)].map(([, name = '']) => name),
      state: 'poweroff',
      forwards: [...text.matchAll(/<Forwarding name="(\w+)".*?hostport="(\d+)" guestport="(\d+)"/g)].map(
        ([, name = '', hostPort = '', guestPort = '']) => ({ name, hostPort, guestPort }),
      ),
      nic2: 'none',
      adapter2: '',
      mac2: value(/<Adapter slot="1"[^>]*MACAddress="(\w+)"/),
      snapshots: [],
    });
    return OK;
  }

  #list(what: string): Answer {
    switch (what) {
      case 'vms':
        return { stdout: this.vms.map(({ name, uuid }) => `"${name}" {${uuid}}\n`).join('') };
      case 'hostonlyifs':
        return { stdout: this.adapters.map(adapterText).join('') };
      case 'dhcpservers':
        return { stdout: this.servers.map(serverText).join('') };
      default:
        throw new Error(`VBoxManage list has no ${what}`);
    }
  }

  #hostOnly(action: string, rest: readonly string[]): Answer {
    const adapter = this.adapters.find(({ name }) => name === rest[0]);
    if (action === 'create') {
      const name = this.#options.adapterName?.(this.#made) ?? `vboxnet${this.adapters.length}`;
      this.#made += 1;
      this.addAdapter(name, '192.168.56.1', '255.255.255.0', 'Down');
      return { stdout: `0%...100%\nInterface '${name}' was successfully created\n` };
    }
    if (adapter === undefined)
      return refusal(`The host network interface named '${rest[0]}' could not be found`);
    if (action === 'remove') this.adapters.splice(this.adapters.indexOf(adapter), 1);
    else Object.assign(adapter, { address: rest[2], netmask: rest[4], status: 'Up' });
    return OK;
  }

  #dhcp(action: string, rest: readonly string[]): Answer {
    const value = (...names: readonly string[]) => {
      const at = rest.findIndex((it) => names.includes(it));
      return at < 0 ? undefined : rest[at + 1];
    };
    const network = value('--network', '--netname') ?? '';
    const found = this.servers.find((it) => it.network === network);
    if (action === 'add' && found !== undefined) return refusal('DHCP server already exists');
    if (action !== 'add' && found === undefined) return refusal('DHCP server does not exist');
    if (action === 'remove' && found !== undefined) {
      this.servers.splice(this.servers.indexOf(found), 1);
      return OK;
    }
    const server = found ?? {
      network,
      address: '',
      netmask: '',
      lower: '',
      upper: '',
      isEnabled: true,
      leases: new Map<string, string>(),
    };
    if (found === undefined) this.servers.push(server);
    server.address = value('--server-ip', '--ip') ?? server.address;
    server.netmask = value('--netmask') ?? server.netmask;
    server.lower = value('--lower-ip', '--lowerip') ?? server.lower;
    server.upper = value('--upper-ip', '--upperip') ?? server.upper;
    if (rest.includes('--enable') || rest.includes('--disable')) server.isEnabled = rest.includes('--enable');
    const mac = value('--mac-address');
    if (mac !== undefined && rest.includes('--remove-config')) server.leases.delete(mac);
    else if (mac !== undefined) server.leases.set(mac, value('--fixed-address') ?? '');
    return OK;
  }
}

function isOff(vm: FakeVm): boolean {
  return vm.state === 'poweroff' || vm.state === 'aborted';
}

function snapshot(vm: FakeVm, [action = '', name = '']: readonly string[]): Answer {
  if (action === 'take') vm.snapshots.push(name);
  else if (!vm.snapshots.includes(name)) return refusal(`Could not find a snapshot named '${name}'`);
  else if (action === 'delete') vm.snapshots = vm.snapshots.filter((it) => it !== name);
  return OK;
}

/** In the words of the recordings, exit code 1. */
export function refusal(sentence: string): Answer {
  return { stderr: `VBoxManage: error: ${sentence}\n` };
}

function unknownMachine(name: string): Answer {
  return refusal(
    `Could not find a registered machine named '${name}'\nVBoxManage: error: Details: code VBOX_E_OBJECT_NOT_FOUND (0x80bb0001)`,
  );
}

function locked(vm: FakeVm): Answer {
  return refusal(`The machine '${vm.name}' is already locked for a session (or being unlocked)`);
}

function info(vm: FakeVm): string {
  const lines = [
    `name="${vm.name}"`,
    `UUID="${vm.uuid}"`,
    `CfgFile="${vm.settingsFile}"`,
    `LogFldr="${vm.settingsFile.replace(/[^/]+$/, 'Logs')}"`,
    `VMState="${vm.state}"`,
    ...vm.forwards.map(
      (it, index) => `Forwarding(${index})="${it.name},tcp,127.0.0.1,${it.hostPort},,${it.guestPort}"`,
    ),
    ...(vm.nic2 === 'hostonly' ? [`hostonlyadapter2="${vm.adapter2}"`] : []),
    ...(vm.nic2 === 'none' ? [] : [`macaddress2="${vm.mac2}"`]),
    `nic2="${vm.nic2}"`,
  ];
  return `${lines.join('\n')}\n`;
}

function adapterText({ name, address, netmask, status }: FakeAdapter): string {
  return `Name:            ${name}\nDHCP:            Disabled\nIPAddress:       ${address}\nNetworkMask:     ${netmask}\nStatus:          ${status}\nVBoxNetworkName: HostInterfaceNetworking-${name}\n\n`;
}

function serverText({ network, address, netmask, lower, upper, isEnabled, leases }: FakeServer): string {
  const configs = [...leases].map(
    ([mac, leased]) =>
      `Individual Config:    MAC ${mac}\n    Fixed Address:    ${leased}\n    minLeaseTime:     default\n`,
  );
  return `NetworkName:    ${network}\nDhcpd IP:       ${address}\nLowerIPAddress: ${lower}\nUpperIPAddress: ${upper}\nNetworkMask:    ${netmask}\nEnabled:        ${isEnabled ? 'Yes' : 'No'}\nGroups:               None\n${configs.join('') || 'Individual Configs:   None\n'}`;
}
