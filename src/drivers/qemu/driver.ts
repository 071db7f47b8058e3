import { join } from 'node:path';
import type { Driver, DriverMachine, DriverSettings, Surveys, TellsUsability } from '../../core/driver.js';
import { WrongStateError } from '../../core/errors.js';
import { GUEST_ENGINE_PORT } from './argv.js';
import { readConsoleTail } from './console.js';
import { makeDisk, removeDisk } from './disk.js';
import { LAST_CONSOLE_FILE, runFiles } from './files.js';
import { parseQemuOptions, QEMU_OPTIONS } from './options.js';
import type { QemuPorts } from './ports.js';
import { checkHost, whyNoQemu } from './precheck.js';
import { listRuns } from './run.js';
import { settledRun } from './running.js';
import { parseSettings, storeSettings } from './settings.js';
import { startQemu } from './start.js';
import { stateOfQemu } from './state.js';
import { killQemu, shutDownQemu } from './stop.js';
import { surveyQemu } from './survey.js';

/** The embedded default driver: QEMU with a user network, reached at two ports of 127.0.0.1. */
export function createQemuDriver(ports: QemuPorts): Driver & Surveys & TellsUsability {
  return {
    name: 'qemu',
    title: 'QEMU VM',
    options: QEMU_OPTIONS,
    capabilities: { powerControl: true, needsImage: true, takesSeed: true, provisionable: true },

    parseOptions(flags, machine) {
      return storeSettings(parseQemuOptions(flags, machine, sshKeyPath(machine)));
    },

    imageUrl(settings) {
      return parseSettings({ name: '', storePath: '', directory: '', settings }).boot2dockerUrl;
    },

    async precheck(machine, context) {
      return checkHost(machine, parseSettings(machine), ports, context);
    },

    whyNotUsable: (_flags, context) => whyNoQemu(ports, context),

    async survey(machine, context) {
      return surveyQemu(parseSettings(machine), ports, context);
    },

    async create(machine, disk, context) {
      const settings = parseSettings(machine);
      if ((await settledRun(machine.directory, ports, context.signal)) !== undefined) {
        throw new WrongStateError({
          code: 'QEMU_RUNNING',
          message: `Cannot make the disk of machine "${machine.name}" anew: the machine is running`,
          reason: 'a QEMU has the disk open',
          nextSteps: [`end it with: tmachine kill ${machine.name}`],
        });
      }
      await makeDisk(machine.directory, { sizeMb: settings.diskMb, head: disk.head }, ports);
      return storeSettings(settings);
    },

    async start(machine, context) {
      return storeSettings(await startQemu(machine, parseSettings(machine), ports, context));
    },

    async stop(machine, context): Promise<DriverSettings> {
      const settings = parseSettings(machine);
      await shutDownQemu(machine, ports, context);
      return storeSettings(settings);
    },

    async kill(machine, context): Promise<DriverSettings> {
      const settings = parseSettings(machine);
      await killQemu(machine, ports, context);
      return storeSettings(settings);
    },

    async remove(machine, context) {
      parseSettings(machine);
      await killQemu(machine, ports, context);
      await removeDisk(machine.directory);
    },

    async state(machine, context) {
      return stateOfQemu(machine, parseSettings(machine), ports, context);
    },

    endpoint(machine) {
      const settings = parseSettings(machine);
      return {
        address: { kind: 'known', host: '127.0.0.1' },
        enginePort: settings.enginePort,
        guestEnginePort: GUEST_ENGINE_PORT,
        ssh: {
          host: '127.0.0.1',
          port: settings.base.SSHPort,
          user: settings.base.SSHUser,
          keyPath: join(machine.directory, 'id_rsa'),
        },
      };
    },

    // QEMU's user network: its gateway hands every connection on to this computer's loopback.
    hostInGuest: () => ({ address: '10.0.2.2', reachesLoopback: true, networks: ['10.0.2.0/24'] }),

    async consoleTail(machine, lines) {
      parseSettings(machine);
      return readConsoleTail(await newestConsole(machine), lines);
    },
  };
}

/** Of the last start that has a record, else what the last finished one left. */
async function newestConsole(machine: DriverMachine): Promise<string> {
  const runs = await listRuns(machine.directory);
  const newest = runs.toSorted((a, b) => b.begunAt - a.begunAt)[0];
  return newest === undefined
    ? join(machine.directory, LAST_CONSOLE_FILE)
    : runFiles(machine.directory, newest.id).console;
}

/** Where core puts the key; docker-machine's readers find it in config.json. */
function sshKeyPath(machine: { readonly name: string; readonly storePath: string }): string {
  return join(machine.storePath, 'machines', machine.name, 'id_rsa');
}
