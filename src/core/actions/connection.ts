import { engineUrl, parseEngineUrl } from '../address.js';
import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { engineFaultError } from '../engine-fault.js';
import { EngineUnreachableError, WrongStateError } from '../errors.js';
import { type MachineRecord, type MachineState, stateWord } from '../machine.js';
import { missingMachine } from '../missing-machine.js';
import type { EngineAnswer } from '../ports.js';
import { engineTarget, machineAddress } from './guest.js';

/** How long `env` and `config` wait for an answer, as the contract has it; an address that swallows packets ends sooner. */
const ANSWER_MS = 20_000;
const CONNECT_MS = 2_000;

/** Where a machine's engine is, and the directory with the client's certificates. */
export interface Connection {
  readonly name: string;
  /** `tcp://host:port`. */
  readonly url: string;
  /** Address alone, for NO_PROXY. */
  readonly address: string;
  readonly certPath: string;
}

/** `url NAME`: the engine's URL of a running machine. Throws WrongStateError with the contract's E11. */
export async function machineUrl(app: App, record: MachineRecord, call: Call): Promise<string> {
  const driver = app.driver(record.driverName);
  const endpoint = driver.endpoint(driverMachine(app, record));
  if (endpoint.url !== undefined) return endpoint.url;
  await assertRunning(app, record, call);
  return engineUrl(await machineAddress(app, record, call), endpoint.enginePort);
}

/** `ip NAME`: the address alone, also for a machine without a guest, where docker-machine prints the port too. */
export async function machineIp(app: App, record: MachineRecord, call: Call): Promise<string> {
  const driver = app.driver(record.driverName);
  const endpoint = driver.endpoint(driverMachine(app, record));
  if (endpoint.url === undefined) await assertRunning(app, record, call, 'Error getting IP address: ');
  return machineAddress(app, record, call);
}

export interface ConnectionRequest {
  /** The swarm master's port instead of the engine's. */
  readonly swarm: boolean;
  /** How the contract's text begins: it differs between `env` and `config`. */
  readonly errorPrefix: string;
}

/**
 * What `env` and `config` print, after a check that the engine answers over TLS with our certificates. Throws EngineUnreachableError
 * whose cause is told apart (P21), WrongStateError when the machine does not run.
 */
export async function connection(
  app: App,
  record: MachineRecord,
  request: ConnectionRequest,
  call: Call,
): Promise<Connection> {
  const url = await machineUrl(app, record, call);
  const place = parseEngineUrl(url);
  const found = { name: record.name, certPath: app.store.layout.machine(record.name).directory };
  if (place === undefined) return { ...found, url, address: '' };
  if (request.swarm) assertSwarmMaster(record, request.errorPrefix);
  const answer = await ping(app, record, place, call);
  if (!answer.ok) {
    throw engineFaultError(answer.fault, {
      machineName: record.name,
      isManaged: isManaged(app, record),
      ...place,
      detail: answer.detail,
      blame: answer.blame,
      errorPrefix: request.errorPrefix,
    });
  }
  if (!request.swarm) return { ...found, url, address: place.host };

  const swarm = {
    host: place.host,
    port: parseEngineUrl(record.hostOptions.SwarmOptions.Host)?.port ?? 3376,
  };
  if (!(await ping(app, record, swarm, call)).ok) {
    throw new EngineUnreachableError({
      code: 'SWARM_UNREACHABLE',
      verbatim: true,
      message: `${request.errorPrefix}Connection to Swarm cannot be checked but the certs are valid. Maybe swarm is not started`,
      nextSteps: [`look at its container with the engine's own settings: tmachine env ${record.name}`],
    });
  }
  return { ...found, url: engineUrl(swarm.host, swarm.port), address: place.host };
}

async function ping(
  app: App,
  record: MachineRecord,
  place: { readonly host: string; readonly port: number },
  call: Call,
): Promise<EngineAnswer> {
  const target = await engineTarget(app, record, place);
  return app.engine.ping(target, { timeoutMs: ANSWER_MS, connectMs: CONNECT_MS, signal: call.signal });
}

function assertSwarmMaster(record: MachineRecord, errorPrefix: string): void {
  if (record.hostOptions.SwarmOptions.Master) return;
  throw new WrongStateError({
    code: 'NOT_SWARM_MASTER',
    verbatim: true,
    message: `${errorPrefix}"${record.name}" is not a swarm master. The --swarm flag is intended for use with swarm masters`,
  });
}

/** `version NAME`: the engine's own version. Throws EngineUnreachableError. */
export async function engineVersion(app: App, record: MachineRecord, call: Call): Promise<string> {
  const place = parseEngineUrl(await machineUrl(app, record, call));
  if (place === undefined) return '';
  const answer = await app.engine.version(await engineTarget(app, record, place), {
    timeoutMs: ANSWER_MS,
    connectMs: CONNECT_MS,
    signal: call.signal,
  });
  if (answer.ok) return answer.version?.version ?? '';
  throw engineFaultError(answer.fault, {
    machineName: record.name,
    isManaged: isManaged(app, record),
    ...place,
    detail: answer.detail,
    blame: answer.blame,
    errorPrefix: 'Unable to query docker version: ',
    afterPrefix: 'cause',
  });
}

function isManaged(app: App, record: MachineRecord): boolean {
  return app.driver(record.driverName).capabilities.provisionable;
}

/** Throws WrongStateError `Host is not running`, with what it is instead. */
export async function assertRunning(app: App, record: MachineRecord, call: Call, prefix = ''): Promise<void> {
  const driver = app.driver(record.driverName);
  const state = await driver.state(driverMachine(app, record), driverContext(call, record.name));
  if (state === 'running') return;
  throw new WrongStateError({
    code: 'HOST_NOT_RUNNING',
    verbatim: true,
    message: `${prefix}Host is not running`,
    reason:
      state === 'missing'
        ? 'its virtual machine is gone'
        : `"${record.name}" is ${stateWord(state).toLowerCase() || 'in an unknown state'}`,
    nextSteps: [
      state === 'missing'
        ? `remove the record: tmachine rm ${record.name}`
        : `start it: tmachine start ${record.name}`,
    ],
  });
}

/** `status NAME`. Throws TmachineError with the contract's text when the driver cannot tell. */
export async function machineState(app: App, record: MachineRecord, call: Call): Promise<MachineState> {
  const driver = app.driver(record.driverName);
  const endpoint = driver.endpoint(driverMachine(app, record));
  const state =
    endpoint.url === undefined
      ? await driver.state(driverMachine(app, record), driverContext(call, record.name))
      : 'running';
  if (state !== 'missing') return state;
  throw missingMachine(record.name, { prefix: `error getting state for host ${record.name}: ` });
}
