import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { MachineNotFoundError, TmachineError } from '../errors.js';
import type { Hop } from '../ports.js';
import { assertRunning } from './connection.js';
import { connectGuest } from './guest.js';
import { checkFromGuest } from './guest-route.js';

export interface CheckedHop extends Hop {
  /** `here`, or the machine's name. */
  readonly where: string;
}

/** Whose inside is looked at: a machine that was named, or `default` when it is there and runs. */
export interface ProxyCheckRequest {
  readonly url: string;
  /** '' for none in particular. */
  readonly machine: string;
}

/**
 * `proxy check`: each step of the way to a URL, from this computer and from the engine of a running machine. What cannot be looked at is
 * a step that failed. Throws MachineNotFoundError for a machine that was named, before anything is looked at.
 */
export async function checkProxies(
  app: App,
  request: ProxyCheckRequest,
  call: Call,
): Promise<readonly CheckedHop[]> {
  const { url, machine } = request;
  if (machine !== '' && !(await app.store.exists(machine))) throw new MachineNotFoundError(machine);
  const here = await app.routes.check(url, call);
  const inside = await fromInside(app, machine, url, call);
  return [
    ...here.map((hop): CheckedHop => ({ ...hop, where: 'here' })),
    ...inside.map((hop): CheckedHop => ({ ...hop, where: machine || 'default' })),
  ];
}

async function fromInside(app: App, machine: string, url: string, call: Call): Promise<readonly Hop[]> {
  try {
    if (machine === '' && !(await hasRunningDefault(app, call))) return [];
    const record = await app.store.load(machine || 'default');
    await assertRunning(app, record, call);
    const session = await connectGuest(app, record, call);
    try {
      return await checkFromGuest(session, record, url);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (call.signal.aborted || !(error instanceof TmachineError)) throw error;
    const { message, reason, nextSteps } = error;
    return [{ name: 'machine', ok: false, text: message, reason, nextSteps }];
  }
}

async function hasRunningDefault(app: App, call: Call): Promise<boolean> {
  if (!(await app.store.exists('default'))) return false;
  const record = await app.store.load('default');
  const driver = app.driver(record.driverName);
  if (!driver.capabilities.provisionable) return false;
  const context = driverContext(call, 'default');
  return (await driver.state(driverMachine(app, record), context)) === 'running';
}
