import { engineUrl, parseEngineUrl } from '../address.js';
import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { withDeadline } from '../deadline.js';
import { messageOf, TmachineError, throwIfInterrupted } from '../errors.js';
import { type MachineRecord, stateWord } from '../machine.js';
import { MACHINE_MISSING } from '../missing-machine.js';
import { readText } from './certificates.js';
import { engineTarget, machineAddress } from './guest.js';

const DAY_MS = 86_400_000;
/** From here on `ls` says how long the certificate is still good (P19). */
const WARN_DAYS = 30;
/** The driver says that the machine runs, and nothing in it answers. */
const SILENT = 'the guest did not answer in time: it may still be starting';
/** Machines looked at side by side: enough to hide slow answers, few enough for the open-file limit of every platform. */
const SIDE_BY_SIDE = 64;

/** A row of `ls`, in the contract's words. */
export interface ListedMachine {
  readonly name: string;
  /** DOCKER_HOST names its engine. */
  readonly active: boolean;
  /** DOCKER_HOST names the swarm whose master it is. */
  readonly activeSwarm: boolean;
  readonly driverName: string;
  /** The contract's word: `Running`, `Stopped`, `Timeout`, `Error` ... or empty. */
  readonly state: string;
  readonly url: string;
  readonly dockerVersion: string;
  readonly error: string;
  /** Days until the server certificate ends; undefined when there is none. */
  readonly certificateDaysLeft: number | undefined;
  readonly responseMs: number;
  /** The record, for filters and formats; undefined when it could not be read. */
  readonly record: MachineRecord | undefined;
}

/**
 * Looks at every machine in the store at once, each for at most `timeoutMs`: one whose driver is slow becomes a `Timeout` row, a
 * running one whose guest is silent stays `Running`, an unreadable one is an `Error` row, and none hides the others (P27, P35). `select` may leave machines out before they are asked.
 */
export async function listMachines(
  app: App,
  options: { readonly timeoutMs: number; readonly select?: (record: MachineRecord) => boolean },
  call: Call,
): Promise<ListedMachine[]> {
  const names = await app.store.list();
  const rows: (ListedMachine | undefined)[] = new Array(names.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < names.length; index = next++) {
      rows[index] = await look(app, names[index] ?? '', options, call);
    }
  };
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, names.length) }, worker));
  return rows.flatMap((row) => row ?? []);
}

async function look(
  app: App,
  name: string,
  options: { readonly timeoutMs: number; readonly select?: (record: MachineRecord) => boolean },
  call: Call,
): Promise<ListedMachine | undefined> {
  const begun = app.clock.monotonic();
  const row = (fields: Partial<ListedMachine>): ListedMachine => ({
    name,
    active: false,
    activeSwarm: false,
    driverName: '',
    state: '',
    url: '',
    dockerVersion: '',
    error: '',
    certificateDaysLeft: undefined,
    record: undefined,
    responseMs: Math.round(app.clock.monotonic() - begun),
    ...fields,
  });
  let record: MachineRecord;
  try {
    record = await app.store.load(name);
  } catch (error) {
    return row({ driverName: 'not found', state: 'Error', error: oneLine(error) });
  }
  if (options.select !== undefined && !options.select(record)) return undefined;
  const known = { record, driverName: record.driverName };
  const late = new TmachineError({ code: 'NO_ANSWER', message: `Machine "${name}" did not answer in time` });
  let seen: Partial<ListedMachine> | undefined;
  const onRunning = (fields: Partial<ListedMachine>) => {
    seen = fields;
  };
  try {
    const found = await withDeadline(
      (signal) => ask(app, record, { timeoutMs: options.timeoutMs, onRunning }, { ...call, signal }),
      { ms: options.timeoutMs, clock: app.clock, signal: call.signal, late: () => late },
    );
    return row({ ...known, ...found });
  } catch (error) {
    throwIfInterrupted(call.signal);
    if (error === late) {
      return row({ ...known, ...(seen === undefined ? { state: 'Timeout' } : { ...seen, error: SILENT }) });
    }
    if (!(error instanceof TmachineError)) throw error;
    return row({ ...known, state: 'Error', dockerVersion: 'Unknown', ...seen, error: oneLine(error) });
  }
}

async function ask(
  app: App,
  record: MachineRecord,
  { timeoutMs, onRunning }: { timeoutMs: number; onRunning: (fields: Partial<ListedMachine>) => void },
  call: Call,
): Promise<Partial<ListedMachine>> {
  const driver = app.driver(record.driverName);
  const machine = driverMachine(app, record);
  const endpoint = driver.endpoint(machine);
  const state =
    endpoint.url === undefined ? await driver.state(machine, driverContext(call, record.name)) : 'running';
  // From here on the guest is asked: its silence does not take back what the driver has said.
  const isSeen = endpoint.url === undefined && state === 'running';
  if (isSeen) onRunning({ state: stateWord(state), dockerVersion: 'Unknown' });
  const certificateDaysLeft = await daysLeft(app, record);
  const ageing =
    certificateDaysLeft !== undefined && certificateDaysLeft <= WARN_DAYS
      ? expiryNotice(certificateDaysLeft, record.name)
      : '';
  if (state !== 'running') {
    const error = state === 'missing' ? MACHINE_MISSING : ageing;
    return {
      state: stateWord(state),
      error,
      certificateDaysLeft,
      ...(state === 'missing' && { dockerVersion: 'Unknown' }),
    };
  }
  const url = endpoint.url ?? engineUrl(await machineAddress(app, record, call), endpoint.enginePort);
  const place = parseEngineUrl(url);
  const dockerHost = app.facts.env.DOCKER_HOST;
  const found = {
    state: 'Running',
    url,
    active: dockerHost === url,
    activeSwarm:
      place !== undefined && dockerHost !== undefined && dockerHost === swarmUrl(record, place.host),
    certificateDaysLeft,
  };
  if (isSeen) onRunning({ ...found, dockerVersion: 'Unknown' });
  if (place === undefined) return { ...found, dockerVersion: 'Unknown', error: ageing };
  const answer = await app.engine.version(await engineTarget(app, record, place), {
    timeoutMs,
    signal: call.signal,
  });
  return answer.ok
    ? { ...found, dockerVersion: `v${answer.version?.version ?? ''}`, error: ageing }
    : { ...found, dockerVersion: 'Unknown', error: answer.detail };
}

/** Where the swarm of a master is reached; undefined for any other machine. */
function swarmUrl(record: MachineRecord, host: string): string | undefined {
  const { Master, Host } = record.hostOptions.SwarmOptions;
  const port = Master ? parseEngineUrl(Host)?.port : undefined;
  return port === undefined ? undefined : engineUrl(host, port);
}

function expiryNotice(days: number, name: string): string {
  return days < 0
    ? `certificate has expired: tmachine regenerate-certs ${name}`
    : `certificate expires in ${days} days: tmachine regenerate-certs ${name}`;
}

async function daysLeft(app: App, record: MachineRecord): Promise<number | undefined> {
  const text = await readText(app, record.hostOptions.AuthOptions.ServerCertPath);
  if (text === undefined) return undefined;
  return Math.floor((app.certificates.describe(text).notAfter - app.clock.now()) / DAY_MS);
}

function oneLine(error: unknown): string {
  return messageOf(error).replaceAll('\n', ' ');
}
