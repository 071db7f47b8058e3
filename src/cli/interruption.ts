import { InterruptedError } from '../core/errors.js';

/** What `interruptible` needs of the process. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): never;
}

/**
 * One signal for the whole run. The first Ctrl-C (or SIGTERM, SIGHUP) asks every long call to end and to leave the machine in a state that
 * a later command can go on from; the second one ends the process at once.
 */
export function interruptible(source: SignalSource): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) source.exit(130);
    controller.abort(new InterruptedError());
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) source.on(name, onSignal);
  return controller.signal;
}
