import { engineTarget } from '../actions/guest.js';
import { type ListedMachine, listMachines } from '../actions/list.js';
import { parseEngineUrl } from '../address.js';
import { type ApiRange, matchApis } from '../api-versions.js';
import type { App, Call } from '../app.js';
import { TmachineError } from '../errors.js';
import { isHalfMade, type MachineRecord } from '../machine.js';
import type { EngineVersion } from '../ports.js';
import { attempted, type Check, note, ok, problem } from './check.js';

const TIMEOUT_MS = 10_000;
/** HTTP tells full seconds, and the answer is on its way for a while. */
const LARGEST_SKEW_MS = 5_000;

/** Every machine in the store: its record, its state, its certificate, and of an engine that runs the API and the clock (P30, P40). */
export async function checkMachines(
  app: App,
  client: ApiRange | undefined,
  call: Call,
): Promise<{ readonly records: readonly MachineRecord[]; readonly checks: readonly Check[] }> {
  const rows = await listMachines(app, { timeoutMs: TIMEOUT_MS }, call);
  const checks = await Promise.all(
    rows.map((row) => attempted('machines', call.signal, () => checkMachine(app, row, client, call))),
  );
  return { records: rows.flatMap(({ record }) => record ?? []), checks: checks.flat() };
}

async function checkMachine(
  app: App,
  row: ListedMachine,
  client: ApiRange | undefined,
  call: Call,
): Promise<readonly Check[]> {
  const { name, record, driverName } = row;
  if (record === undefined) {
    // Its own error says more than the row of a list.
    const why = await app.store.load(name).then(
      () => undefined,
      (error: unknown) => (error instanceof TmachineError ? error : undefined),
    );
    return [
      problem('machines', {
        code: why?.code ?? 'RECORD_UNREADABLE',
        text: `${name}: its record cannot be read`,
        reason: why?.reason ?? row.error,
        nextSteps: why?.nextSteps ?? [`drop it: tmachine rm -f ${name}`],
      }),
    ];
  }
  if (isHalfMade(record)) {
    return [
      note('machines', {
        code: 'MACHINE_HALF_MADE',
        text: `${name} (${driverName}): its creation did not end`,
        nextSteps: [
          'go on with the same "create" command as the first time',
          `or remove it: tmachine rm ${name}`,
        ],
      }),
    ];
  }
  if (row.state === 'Timeout') {
    return [
      problem('machines', {
        code: 'MACHINE_SILENT',
        text: `${name} (${driverName}): no answer within ${TIMEOUT_MS / 1000} s`,
        nextSteps: [`start it anew: tmachine restart ${name}`],
      }),
    ];
  }
  if (row.error !== '') {
    return [
      problem('machines', {
        code: 'MACHINE_TROUBLE',
        text: `${name} (${driverName}): ${row.state || 'state unknown'}`,
        reason: row.error,
        nextSteps: [`see: tmachine ls; tmachine env ${name}`],
      }),
    ];
  }
  const days =
    row.certificateDaysLeft === undefined ? '' : `, certificate good for ${row.certificateDaysLeft} days`;
  const seen = ok('machines', `${name} (${driverName}): ${row.state || 'state unknown'}${days}`);
  return row.state === 'Running' ? [seen, ...(await checkEngine(app, row, record, client, call))] : [seen];
}

async function checkEngine(
  app: App,
  { name, url }: ListedMachine,
  record: MachineRecord,
  client: ApiRange | undefined,
  call: Call,
): Promise<readonly Check[]> {
  const place = parseEngineUrl(url);
  if (place === undefined) return [];
  const target = await engineTarget(app, record, place);
  const askedMs = app.clock.now();
  const answer = await app.engine.version(target, { timeoutMs: TIMEOUT_MS, signal: call.signal });
  if (!answer.ok) return [];
  const answeredMs = app.clock.now();
  return [
    ...(answer.version === undefined ? [] : [apiCheck(name, answer.version, client)]),
    ...(answer.clockMs === undefined ? [] : clockChecks(name, answer.clockMs, askedMs, answeredMs)),
  ];
}

function apiCheck(name: string, engine: EngineVersion, client: ApiRange | undefined): Check {
  const range = { min: engine.minApiVersion, max: engine.apiVersion };
  const text = `${name}: engine ${engine.version}, API ${range.min} to ${range.max}`;
  switch (client === undefined ? 'fits' : matchApis(client, range)) {
    case 'fits':
      return ok('machines', text);
    case 'client-too-old':
      return problem('machines', {
        code: 'DOCKER_CLIENT_TOO_OLD',
        text,
        reason: `this computer's docker client speaks API ${client?.max} at most`,
        nextSteps: [
          'install a newer docker client',
          'or let the engine admit it: --engine-env DOCKER_MIN_API_VERSION=1.24 at create',
        ],
      });
    case 'engine-too-old':
      return problem('machines', {
        code: 'ENGINE_TOO_OLD',
        text,
        reason: `this computer's docker client admits no engine below API ${client?.min}`,
        nextSteps: [
          'make a machine from a newer boot image',
          'or use a docker client that admits it: up to 28, or from 29.3 on for API 1.40',
        ],
      });
  }
}

/** The engine's second began at most a second before it answered, and it answered between our two looks at the clock. */
function clockChecks(name: string, clockMs: number, askedMs: number, answeredMs: number): readonly Check[] {
  const behindMs = askedMs - (clockMs + 1000);
  const aheadMs = clockMs - answeredMs;
  const skewMs = Math.max(behindMs, aheadMs);
  if (skewMs <= LARGEST_SKEW_MS) return [];
  return [
    problem('machines', {
      code: 'CLOCK_SKEW',
      text: `${name}: its clock is ${Math.round(skewMs / 1000)} s ${behindMs > aheadMs ? 'behind' : 'ahead of'} this computer's`,
      reason: 'as after sleep, or when one of the two was set',
      nextSteps: [`start it anew, which sets its clock: tmachine restart ${name}`],
    }),
  ];
}
