import type { App, Call } from '../app.js';
import { withNamedAdvice } from '../named-advice.js';

/**
 * Works on a machine alone: its record and its virtual machine belong to one process at a time. Who waits is told for whom. What goes wrong in drivers,
 * provisioners and SSH names the machine in its advice, which they do not know.
 */
export function withMachineLock<T>(app: App, name: string, call: Call, work: () => Promise<T>): Promise<T> {
  const onWait = (holder: string) =>
    call.reporter.warn(`Waiting for ${holder}, which is working on "${name}"...`);
  return app.store.lock({ machine: name }, { signal: call.signal, onWait }, () =>
    withNamedAdvice(name, work),
  );
}
