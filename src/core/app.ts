import type { Driver, DriverContext, DriverMachine, DriverSettings } from './driver.js';
import type { MachineRecord } from './machine.js';
import type { Ports, ProxyResolver, TrustStore } from './ports.js';
import type { Provisioner } from './provisioner.js';
import { forMachine, type Reporter } from './reporter.js';

/** Everything an action may use. `cli/compose.ts` makes it; tests make it of other parts. */
export interface App extends Ports {
  /** Throws TmachineError `DRIVER_NOT_FOUND` with the contract's text E13. */
  driver(name: string): Driver;
  readonly provisioners: readonly Provisioner[];
  readonly proxies: ProxyResolver;
  readonly trust: TrustStore;
}

/** One run of a command: whom to tell, and when to end. */
export interface Call {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** A machine as its driver wants to see it. */
export function driverMachine(app: App, record: MachineRecord): DriverMachine {
  return {
    name: record.name,
    storePath: app.store.layout.root,
    directory: app.store.layout.machine(record.name).directory,
    settings: { config: record.driver, extra: record.notes.driver ?? {} },
  };
}

/** The record after a driver has changed its settings. */
export function withSettings(record: MachineRecord, settings: DriverSettings): MachineRecord {
  return { ...record, driver: settings.config, notes: { ...record.notes, driver: settings.extra } };
}

export function driverContext(call: Call, machineName: string): DriverContext {
  return { signal: call.signal, reporter: forMachine(call.reporter, machineName) };
}
