import type { App, Call } from '../app.js';
import { checkCertificates } from '../diagnosis/certificates.js';
import { AREAS, attempted, type Check, type Diagnosis } from '../diagnosis/check.js';
import { checkClients } from '../diagnosis/clients.js';
import { checkChoice, checkDriver } from '../diagnosis/drivers.js';
import { checkImage } from '../diagnosis/image.js';
import { checkMachines } from '../diagnosis/machines.js';
import { checkNetwork } from '../diagnosis/network.js';
import type { DiagnosisParts } from '../diagnosis/parts.js';
import { checkStore } from '../diagnosis/store.js';

/**
 * Looks at everything that `create` and the machines depend on. Makes and repairs nothing. An expected failure of one check is a line of the
 * report; throws the signal's reason.
 */
export async function diagnose(app: App, parts: DiagnosisParts, call: Call): Promise<Diagnosis> {
  const checks: Check[] = [];
  const { signal } = call;

  const choice = await checkChoice(parts);
  checks.push(...choice.checks);
  for (const driver of parts.drivers) {
    const isChosen = driver.name === choice.driverName;
    const work = () => checkDriver(app, parts, driver, isChosen, call);
    checks.push(...(await attempted('drivers', signal, work, { stopsCreate: isChosen })));
  }

  // A damaged image in the cache is what `create` would take, and fail on.
  let imageIsLocal = true;
  const image = async () => {
    const found = await checkImage(app, call);
    imageIsLocal = found.isLocal;
    return found.checks;
  };
  checks.push(...(await attempted('boot image', signal, image, { stopsCreate: true })));

  checks.push(...(await attempted('store', signal, () => checkStore(parts), { stopsCreate: true })));
  checks.push(...(await checkNetwork(app, parts, imageIsLocal, call)));
  const clients = await checkClients(parts, signal);
  checks.push(...clients.checks);

  const machines = async () => {
    const { records, checks: ofMachines } = await checkMachines(app, clients.docker, call);
    return [...ofMachines, ...(await checkCertificates(app, records, call))];
  };
  checks.push(...(await attempted('machines', signal, machines)));

  return {
    checks: AREAS.flatMap((area) => checks.filter((check) => check.area === area)),
    driverName: choice.driverName,
    createWorks: !checks.some(({ stopsCreate }) => stopsCreate),
  };
}
