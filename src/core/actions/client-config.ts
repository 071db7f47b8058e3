import { join } from 'node:path';
import { engineUrl, knownAddress } from '../address.js';
import { type App, type Call, driverMachine } from '../app.js';
import { type ClientProxies, clientProxies, withClientProxies } from '../client-proxies.js';
import type { MachineRecord } from '../machine.js';
import { readText } from './certificates.js';

/**
 * Keeps the docker client's config.json in step with the proxies of this machine's engine, for `docker build` and `docker run`, from the day it was
 * asked for (`wish` write) until it is taken back (remove); undefined: as before. The entry follows the engine's address. Returns the record with
 * its note of the entry, not saved. Throws StoreError for a file that cannot be read or written.
 */
export async function followInClientConfig(
  app: App,
  record: MachineRecord,
  wish: 'write' | 'remove' | undefined,
  call: Call,
): Promise<MachineRecord> {
  const noted = record.notes.clientConfig;
  if (wish !== 'write' && noted === undefined) return record;
  const path = noted?.path ?? configPath(app);
  const wanted = wish === 'remove' ? undefined : clientProxies(record.hostOptions.EngineOptions.Env);
  const host = engineHost(app, record);
  const entries: Record<string, ClientProxies | undefined> = {};
  if (noted !== undefined && noted.host !== '') entries[noted.host] = undefined;
  if (host !== '') entries[host] = wanted;
  const changed = await app.store.lock({ cache: 'docker-config' }, { signal: call.signal }, async () => {
    const text = withClientProxies(await readText(app, path), path, entries);
    // It may hold a password now, whatever its mode was.
    if (text === '') await app.store.removeFile(path);
    else if (text !== undefined) await app.store.writeFile(path, text, 0o600);
    return text !== undefined;
  });
  if (changed) {
    call.reporter.step(
      `(${record.name}) docker build and docker run ${wanted === undefined ? 'get no proxy any more' : 'get the same proxies'}: ${path}`,
    );
  }
  if (!changed && wish === 'write' && noted === undefined) {
    call.reporter.step(
      `(${record.name}) docker build and docker run get its proxies when it has some: ${path}`,
    );
  }
  if (!changed && wish === 'remove') {
    call.reporter.step(`(${record.name}) docker build and docker run are left alone from now on: ${path}`);
  }
  if (!changed && wish !== 'remove' && noted?.host === host) return record;
  const { clientConfig: _, ...notes } = record.notes;
  return wish === 'remove'
    ? { ...record, notes }
    : { ...record, notes: { ...notes, clientConfig: { path, host } } };
}

/** DOCKER_HOST of the machine; '' while its address or port is not known. */
function engineHost(app: App, record: MachineRecord): string {
  const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
  const address = knownAddress(endpoint);
  return address === undefined || address === '' || endpoint.enginePort === 0
    ? ''
    : engineUrl(address, endpoint.enginePort);
}

/** Where the client itself looks. */
function configPath(app: App): string {
  const { env, homeDirectory } = app.facts;
  const folder = env['DOCKER_CONFIG'];
  return join(folder === undefined || folder === '' ? join(homeDirectory, '.docker') : folder, 'config.json');
}
