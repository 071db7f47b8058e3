import { InterruptedError } from '../core/errors.js';

/** What `interruptible` needs of the process. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): never;
}

/**
 * One signal for the whole run. The first Ctrl-C (or SIGTERM, SIGHUP) asks every long call to end and to leave the machine in a state that
 * a later command can go on from; the second one ends the process at once. While `isLent` says that the terminal belongs to another
 * program, Ctrl-C is meant for that one: the system sends it to both.
 */
export function interruptible(source: SignalSource, isLent: () => boolean = () => false): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) source.exit(130);
    controller.abort(new InterruptedError());
  };
  source.on('SIGINT', () => {
    if (!isLent()) onSignal();
  });
  for (const name of ['SIGTERM', 'SIGHUP'] as const) source.on(name, onSignal);
  return controller.signal;
}
