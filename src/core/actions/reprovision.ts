import { knownAddress } from '../address.js';
import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { WrongStateError } from '../errors.js';
import { stateWord } from '../machine.js';
import { awaitEngine, engineTarget } from './guest.js';
import { withMachineLock } from './machine-lock.js';
import { copyClientCertificates, reprovisionGuest } from './provision.js';

/**
 * `provision NAME`: settings and certificates of a running machine anew. With `acceptNewHostKey` the guest may show another SSH host key than the
 * one that is known: it is said and kept.
 */
export async function provisionMachine(
  app: App,
  name: string,
  call: Call,
  options: ReprovisionOptions = {},
): Promise<void> {
  await reprovision(app, name, call, options);
}

/** `regenerate-certs NAME`: the prompt and the renewal of the authority are the command's. */
export async function regenerateCertificates(app: App, name: string, call: Call): Promise<void> {
  call.reporter.step('Regenerating TLS certificates');
  await reprovision(app, name, call);
}

interface ReprovisionOptions {
  readonly acceptNewHostKey?: boolean;
}

async function reprovision(
  app: App,
  name: string,
  call: Call,
  { acceptNewHostKey = false }: ReprovisionOptions = {},
): Promise<void> {
  await withMachineLock(app, name, call, async () => {
    const record = await app.store.load(name);
    const driver = app.driver(record.driverName);
    if (!driver.capabilities.provisionable) {
      await copyClientCertificates(app, record);
      return;
    }
    const state = await driver.state(driverMachine(app, record), driverContext(call, name));
    if (driver.capabilities.powerControl && state !== 'running') {
      throw new WrongStateError({
        code: 'HOST_NOT_RUNNING',
        verbatim: true,
        message: 'Host is not running',
        reason: `"${name}" is ${stateWord(state).toLowerCase()}`,
        nextSteps: [`start it first: tmachine start ${name}`],
      });
    }
    const { hostKey: known, ...others } = record.notes;
    const begun = acceptNewHostKey ? { ...record, notes: others } : record;
    const provisioned = await reprovisionGuest(app, begun, call);
    if (acceptNewHostKey && provisioned.notes.hostKey !== known) {
      call.reporter.warn(
        `The new host key of "${name}" is trusted from now on: ${provisioned.notes.hostKey}`,
      );
    }
    await app.store.save(provisioned);
    const endpoint = driver.endpoint(driverMachine(app, provisioned));
    const host = knownAddress(endpoint);
    if (host === undefined) return;
    const target = await engineTarget(app, provisioned, { host, port: endpoint.enginePort });
    await awaitEngine(app, provisioned, target, call);
  });
}
