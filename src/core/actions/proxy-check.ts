import { type App, type Call, driverContext, driverMachine } from '../app.js';
import type { Hop } from '../ports.js';
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
 * `proxy check`: each step of the way to a URL, from this computer and from the engine of a running machine. Throws MachineNotFoundError,
 * WrongStateError for a machine that was named and does not run, GuestError.
 */
export async function checkProxies(
  app: App,
  request: ProxyCheckRequest,
  call: Call,
): Promise<readonly CheckedHop[]> {
  const here = await app.routes.check(request.url, call);
  const hops = here.map((hop): CheckedHop => ({ ...hop, where: 'here' }));
  const name = request.machine || ((await hasRunningDefault(app, call)) ? 'default' : '');
  if (name === '') return hops;
  const record = await app.store.load(name);
  const session = await connectGuest(app, record, call);
  try {
    const inside = await checkFromGuest(session, record, request.url);
    return [...hops, ...inside.map((hop): CheckedHop => ({ ...hop, where: name }))];
  } finally {
    await session.close();
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
