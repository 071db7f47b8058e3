import { type App, type Call, driverContext } from '../app.js';
import { type Driver, type DriverMachine, type Finding, surveys } from '../driver.js';
import { TmachineError, UsageError } from '../errors.js';
import { type Check, fromError, note, ok, problem } from './check.js';
import type { DiagnosisParts } from './parts.js';

/** A name that no machine has: drivers are asked for a machine that is not made. */
const IMAGINARY = 'doctor';

/** Which driver `create` would take here, and why; undefined, with the check that says so, when there is none. */
export async function checkChoice(
  parts: DiagnosisParts,
): Promise<{ readonly driverName: string | undefined; readonly checks: readonly Check[] }> {
  try {
    const { name, reason } = await parts.chooseDriver();
    return { driverName: name, checks: [ok('drivers', `create takes "${name}": ${reason}`)] };
  } catch (error) {
    if (!(error instanceof TmachineError)) throw error;
    return { driverName: undefined, checks: [fromError('drivers', error, true)] };
  }
}

/** What a driver found here, and all that its precheck says. What speaks against a driver that `create` does not take is a note. */
export async function checkDriver(
  app: App,
  parts: DiagnosisParts,
  driver: Driver,
  isChosen: boolean,
  call: Call,
): Promise<readonly Check[]> {
  const machine = imaginaryMachine(app, parts, driver);
  if ('nothing' in machine) return [ok('drivers', `${driver.name}: ${machine.nothing}`)];
  const context = driverContext(call, driver.name);
  const findings = await driver.precheck(machine, context);
  const facts = surveys(driver) ? await driver.survey(machine, context) : [];
  const isRefused = findings.some(({ severity }) => severity === 'refuse');
  // Beside a refusal a fact may be its cause: it is not called fine.
  const fact = (text: string) =>
    isRefused ? note('drivers', { code: 'DRIVER_FACT', text }) : ok('drivers', text);
  return [
    ...facts.map(({ name, value }) => fact(`${driver.name}: ${name}: ${value}`)),
    ...(isRefused ? [] : [ok('drivers', `${driver.name}: machines can be made`)]),
    ...findings.map((finding) => checkOf(finding, driver, isChosen)),
  ];
}

function checkOf(finding: Finding, driver: Driver, isChosen: boolean): Check {
  const { code, reason, nextSteps } = finding;
  const trouble = { code, text: `${driver.name}: ${finding.message}`, reason, nextSteps };
  if (finding.severity === 'warn' || !isChosen) return note('drivers', trouble);
  return problem('drivers', { ...trouble, stopsCreate: true });
}

/** A machine as `create` without flags would ask for it, or why a driver has nothing to check beforehand. */
function imaginaryMachine(
  app: App,
  parts: DiagnosisParts,
  driver: Driver,
): DriverMachine | { readonly nothing: string } {
  const { layout } = app.store;
  const place = { name: IMAGINARY, storePath: layout.root };
  try {
    const settings = driver.parseOptions(parts.flagsOf(driver), place);
    return { ...place, directory: layout.machine(IMAGINARY).directory, settings };
  } catch (error) {
    // Drivers for what is there already want to be told where it is.
    if (!(error instanceof UsageError)) throw error;
    return { nothing: `nothing to check before a machine is named (${error.message})` };
  }
}
