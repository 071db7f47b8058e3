import { join } from 'node:path';
import type {
  Driver,
  DriverMachine,
  LearnsAddress,
  ReservesAddress,
  SharesFolders,
  Surveys,
  TakesSnapshots,
  TellsUsability,
} from '../../core/driver.js';
import { namedFinding, withNamedAdvice } from '../../core/named-advice.js';
import { formatCidr, networkOf, parseCidr } from './cidr.js';
import { readConsoleTail } from './console.js';
import { createVirtualMachine } from './create.js';
import { CONSOLE_FILE } from './disk.js';
import { GUEST_ENGINE_PORT, isReachedAt } from './host-ports.js';
import { macWithColons } from './identifiers.js';
import { parseVirtualBoxOptions, VIRTUALBOX_OPTIONS } from './options.js';
import type { VirtualBoxPorts } from './ports.js';
import { checkHost, whyNotUsable } from './precheck.js';
import { promiseAddress } from './promise-address.js';
import { removeVirtualMachine } from './remove.js';
import { parseSettings, storeSettings, withBase } from './settings.js';
import { sampleOf, sharesOf } from './share-folders.js';
import { changeSnapshot } from './snapshots.js';
import { startVirtualMachine } from './start.js';
import { kill, shutDown } from './stop.js';
import { surveyHost } from './survey.js';
import { VBoxManage } from './vboxmanage.js';
import { findVirtualMachine, machineState } from './virtual-machine.js';

/** VirtualBox 5 to 7.2, by its VBoxManage. */
export function createVirtualBoxDriver(
  ports: VirtualBoxPorts,
): Driver & LearnsAddress & ReservesAddress & SharesFolders & Surveys & TakesSnapshots & TellsUsability {
  const tools = { ports, vbox: new VBoxManage(ports) };
  return {
    name: 'virtualbox',
    title: 'VirtualBox VM',
    options: VIRTUALBOX_OPTIONS,
    // The address of a NAT machine is known beforehand, that of a host-only one is promised (`reserveAddress`).
    capabilities: { powerControl: true, needsImage: true, takesSeed: true, provisionable: true },

    parseOptions(flags, machine) {
      return storeSettings(parseVirtualBoxOptions(flags, machine, sshKeyPath(machine)));
    },

    imageUrl(settings) {
      return parseSettings({ name: '', storePath: '', directory: '', settings }).boot2dockerUrl;
    },

    async precheck(machine, context) {
      const findings = await checkHost(machine, parseSettings(machine), tools, context);
      return findings.map((finding) => namedFinding(finding, machine.name));
    },

    async create(machine, disk, context) {
      return storeSettings(await createVirtualMachine(machine, parseSettings(machine), disk, tools, context));
    },

    async start(machine, context) {
      return storeSettings(await startVirtualMachine(machine, parseSettings(machine), tools, context));
    },

    async stop(machine, context) {
      const settings = parseSettings(machine);
      await shutDown(machine, settings, tools, context);
      return storeSettings(withBase(settings, { IPAddress: '' }));
    },

    async kill(machine, context) {
      const settings = parseSettings(machine);
      await kill(machine, settings, tools, context);
      return storeSettings(withBase(settings, { IPAddress: '' }));
    },

    remove: (machine, context) => removeVirtualMachine(machine, parseSettings(machine), tools, context),

    // Asked without the machine's lock too, by `ls` and `status`.
    state: (machine, context) =>
      withNamedAdvice(machine.name, async () => {
        const settings = parseSettings(machine);
        const found = await findVirtualMachine(machine, settings, tools, context);
        if (found === undefined) return 'missing';
        const state = machineState(found.word);
        return state === 'running' && !isReachedAt(settings, found.forwards) ? 'starting' : state;
      }),

    endpoint(machine) {
      const { base, network, enginePort, hostOnlyMac, importVm, uuid } = parseSettings(machine);
      const ssh = {
        host: '127.0.0.1',
        port: base.SSHPort,
        user: base.SSHUser,
        keyPath: join(machine.directory, 'id_rsa'),
      };
      const rest = { guestEnginePort: GUEST_ENGINE_PORT, ssh };
      // An imported disk has its own certificates, and takes no seed: core makes one for an address that is known before the disk is.
      const takesNoSeed = importVm !== '' && uuid === '';
      if (network === 'nat' && !takesNoSeed) {
        return { address: { kind: 'known', host: '127.0.0.1' }, enginePort, ...rest };
      }
      return {
        address:
          base.IPAddress === ''
            ? { kind: 'by-mac', mac: macWithColons(hostOnlyMac) }
            : { kind: 'known', host: base.IPAddress },
        enginePort: GUEST_ENGINE_PORT,
        ...rest,
      };
    },

    async reserveAddress(machine, context) {
      const settings = parseSettings(machine);
      if (settings.network === 'nat' || settings.importVm !== '') return undefined;
      const promise = await promiseAddress(machine, settings, tools, context);
      if (promise === undefined) return undefined;
      const { cidr, address, mac } = promise;
      const wanted = {
        ...withBase(settings, { IPAddress: address }),
        hostOnlyCidr: formatCidr(cidr),
        hostOnlyMac: mac,
        lease: address,
      };
      const card = { mac: macWithColons(mac), cidr: `${address}/${cidr.prefix}` };
      return { settings: storeSettings(wanted), card };
    },

    withAddress(machine, host) {
      const settings = parseSettings(machine);
      return storeSettings(settings.network === 'nat' ? settings : withBase(settings, { IPAddress: host }));
    },

    bringsSshKey: (settings) =>
      parseSettings({ name: '', storePath: '', directory: '', settings }).importVm !== '',

    hostInGuest(settings) {
      const { network, hostOnlyCidr } = parseSettings({ name: '', storePath: '', directory: '', settings });
      const cidr = parseCidr(hostOnlyCidr);
      return {
        address: '10.0.2.2',
        reachesLoopback: true,
        networks: ['10.0.2.0/24', ...(network === 'nat' || cidr === undefined ? [] : [networkOf(cidr)])],
      };
    },

    async sharedFolders(machine) {
      const settings = parseSettings(machine);
      const shares = await sharesOf(settings, ports.facts.platform);
      const isAsked = settings.shareFolders.length > 0;
      return Promise.all(
        shares.map(async ({ name, hostPath }) => {
          return { name, hostPath, guestPath: `/${name}`, isAsked, sample: await sampleOf(hostPath) };
        }),
      );
    },

    async whyNotUsable(flags, context) {
      return whyNotUsable(flags['virtualbox-no-vtx-check'] === true, tools, context);
    },

    survey: (machine, context) => surveyHost(parseSettings(machine), tools, context),

    takeSnapshot: (machine, name, context) => snapshot('take', name, machine, context),
    restoreSnapshot: (machine, name, context) => snapshot('restore', name, machine, context),
    deleteSnapshot: (machine, name, context) => snapshot('delete', name, machine, context),

    async consoleTail(machine, lines) {
      return readConsoleTail(join(machine.directory, CONSOLE_FILE), lines);
    },
  };

  function snapshot(
    action: 'take' | 'restore' | 'delete',
    name: string,
    machine: DriverMachine,
    context: Parameters<Driver['start']>[1],
  ): Promise<void> {
    return changeSnapshot(action, name, machine, parseSettings(machine), tools, context);
  }
}

/** Where core puts the key; docker-machine's readers find it in config.json. */
function sshKeyPath(machine: { readonly name: string; readonly storePath: string }): string {
  return join(machine.storePath, 'machines', machine.name, 'id_rsa');
}
