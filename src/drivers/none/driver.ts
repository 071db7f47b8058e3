import { parseEngineUrl } from '../../core/address.js';
import { newBaseDriver, stringField } from '../../core/base-driver.js';
import type { Driver, DriverMachine, RefusesPower } from '../../core/driver.js';
import { UsageError, WrongStateError } from '../../core/errors.js';
import { stringFlag } from '../../core/flag-values.js';
import { NONE_OPTIONS } from './options.js';

type PowerAction = Parameters<RefusesPower['powerRefusal']>[0];

const PARTICIPLES: Readonly<Record<PowerAction, string>> = {
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  kill: 'killed',
};

/** An engine that somebody else runs: only its URL is known. */
export function createNoneDriver(): Driver & RefusesPower {
  const refuse = (action: PowerAction) => async (): Promise<never> => {
    throw new WrongStateError({
      code: 'DRIVER_WITHOUT_POWER',
      verbatim: true,
      message: powerRefusal(action),
      reason: 'the driver "none" only knows where the engine is',
    });
  };
  return {
    name: 'none',
    title: 'none',
    options: NONE_OPTIONS,
    capabilities: { powerControl: false, needsImage: false, takesSeed: false, provisionable: false },

    parseOptions(flags, machine) {
      const url = stringFlag(flags, 'url');
      if (url === '') {
        throw new UsageError({
          verbatim: true,
          message: '--url option is required when no driver is selected',
          nextSteps: [
            `say where the engine is:  tmachine create --driver none --url tcp://HOST:2376 ${machine.name}`,
          ],
        });
      }
      if (!/^[a-z][a-z0-9+.-]*:\/\/./i.test(url)) {
        throw new UsageError({
          message: `--url "${url}" is no URL`,
          nextSteps: ['begin it with the kind of connection, for example:  --url tcp://HOST:2376'],
        });
      }
      if (/\p{Cc}/u.test(url)) {
        throw new UsageError({ message: '--url has control characters in it' });
      }
      const base = newBaseDriver(machine, { IPAddress: hostPart(url) });
      return { config: { ...base, URL: url }, extra: {} };
    },

    imageUrl: () => '',
    precheck: async () => [],
    create: async (machine) => machine.settings,
    start: refuse('start'),
    stop: refuse('stop'),
    kill: refuse('kill'),
    remove: async () => {},
    state: async () => 'running',

    endpoint(machine) {
      const url = urlOf(machine);
      const { host, port } = parseEngineUrl(url) ?? { host: '', port: 0 };
      return { address: { kind: 'known', host }, enginePort: port, guestEnginePort: port, url };
    },

    consoleTail: async () => '',
    powerRefusal,
  };
}

function powerRefusal(action: PowerAction): string {
  return `hosts without a driver cannot be ${PARTICIPLES[action]}`;
}

function urlOf(machine: DriverMachine): string {
  return stringField(machine.settings.config, 'URL');
}

/** Host and port as docker-machine stores them as the address: all between `//` and the next slash. */
function hostPart(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(url)?.[1] ?? '';
}
