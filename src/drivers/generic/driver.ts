import { chmod, copyFile, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Driver, DriverContext, DriverMachine, Finding, RefusesPower } from '../../core/driver.js';
import { messageOf, StoreError, throwIfInterrupted, WrongStateError } from '../../core/errors.js';
import { goQuote } from '../../core/go-quote.js';
import type { TcpProbe } from '../../core/ports.js';
import { systemErrorCode } from '../../core/system-error.js';
import { GENERIC_OPTIONS } from './options.js';
import { parseGenericOptions, parseGenericSettings, withKeyPath } from './settings.js';

export interface GenericPorts {
  readonly tcp: TcpProbe;
}

type PowerAction = Parameters<RefusesPower['powerRefusal']>[0];

const DIAL_MS = 5_000;

/** What the store itself keeps in a machine's directory: a key of that name gets another one there. */
const TAKEN_NAMES = new Set([
  'ca.pem',
  'cert.pem',
  'key.pem',
  'server.pem',
  'server-key.pem',
  'boot2docker.iso',
]);

/** A host that is there already and takes SSH: a server, a virtual machine of somebody else. */
export function createGenericDriver(ports: GenericPorts): Driver & RefusesPower {
  const refuse = (action: PowerAction) => async (): Promise<never> => {
    throw new WrongStateError({
      code: 'DRIVER_WITHOUT_POWER',
      verbatim: true,
      message: powerRefusal(action),
      reason: 'the driver "generic" only knows how to log in',
    });
  };
  return {
    name: 'generic',
    title: 'generic',
    options: GENERIC_OPTIONS,
    capabilities: {
      powerControl: false,
      needsImage: false,
      takesSeed: false,
      provisionable: true,
      restartsInGuest: true,
    },

    parseOptions: parseGenericOptions,
    imageUrl: () => '',
    precheck: async (machine) => checkKey(parseGenericSettings(machine).originalKey),

    async create(machine, _disk, context) {
      const { originalKey } = parseGenericSettings(machine);
      if (originalKey === '') {
        context.reporter.step('No SSH key specified. Assuming an existing key at the default location.');
        return machine.settings;
      }
      context.reporter.step('Importing SSH key...');
      return withKeyPath(machine.settings, await importKey(machine, originalKey, context));
    },

    start: refuse('start'),
    stop: refuse('stop'),
    kill: refuse('kill'),

    async remove(machine) {
      const { originalKey } = parseGenericSettings(machine);
      if (originalKey === '') return;
      const copy = join(machine.directory, keyFileName(originalKey));
      await rm(copy, { force: true });
      await rm(`${copy}.pub`, { force: true });
    },

    async state(machine, context) {
      const { address, sshPort } = parseGenericSettings(machine);
      const isOpen = await ports.tcp.isOpen(address, sshPort, { timeoutMs: DIAL_MS, signal: context.signal });
      throwIfInterrupted(context.signal);
      return isOpen ? 'running' : 'stopped';
    },

    endpoint(machine) {
      const { address, sshUser, sshPort, enginePort, keyPath } = parseGenericSettings(machine);
      return {
        address: { kind: 'known', host: address },
        enginePort,
        guestEnginePort: enginePort,
        ssh: { host: address, port: sshPort, user: sshUser, ...(keyPath !== undefined && { keyPath }) },
      };
    },

    consoleTail: async () => '',
    powerRefusal,
  };
}

function powerRefusal(action: PowerAction): string {
  return `generic driver does not support ${action}`;
}

async function checkKey(path: string): Promise<Finding[]> {
  if (path === '') return [];
  try {
    await readFile(path);
    return [];
  } catch (error) {
    const isMissing = systemErrorCode(error) === 'ENOENT';
    return [
      {
        severity: 'refuse',
        code: isMissing ? 'SSH_KEY_MISSING' : 'SSH_KEY_UNREADABLE',
        message: isMissing
          ? `SSH key does not exist: ${goQuote(path)}`
          : `SSH key cannot be read: ${goQuote(path)}`,
        ...(!isMissing && { reason: messageOf(error) }),
        nextSteps: ['name a private key file that you may read:  --generic-ssh-key PATH'],
      },
    ];
  }
}

/** Copies the key and, where there is one, its public half; returns where the copy is. Throws StoreError. */
async function importKey(machine: DriverMachine, original: string, context: DriverContext): Promise<string> {
  const copy = join(machine.directory, keyFileName(original));
  try {
    await copyPrivately(original, copy);
  } catch (error) {
    throw new StoreError({
      code: 'SSH_KEY_UNREADABLE',
      message: `Could not copy the SSH key ${goQuote(original)}`,
      reason: messageOf(error),
      nextSteps: ['name a private key file that you may read:  --generic-ssh-key PATH'],
      cause: error,
    });
  }
  try {
    await copyPrivately(`${original}.pub`, `${copy}.pub`);
  } catch (error) {
    context.reporter.step(`Couldn't copy SSH public key : ${messageOf(error)}`);
  }
  return copy;
}

async function copyPrivately(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
}

/** The key's own name, as docker-machine has it, unless the store keeps something else under it. */
function keyFileName(original: string): string {
  const name = basename(original);
  return TAKEN_NAMES.has(name) || /^(?:config\.json|tmachine\.json)/.test(name) ? `ssh-${name}` : name;
}
