import { messageOf, TmachineError } from '../core/errors.js';

/** What is needed of a stream of the process. */
interface OutputStream {
  removeAllListeners(event: 'error'): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Hears of output that could not be written, which Node would end with a stack trace. A reader that has gone (`| head -1`) is none of
 * our business. Anything else, such as a full disk, is told once to `onLost`, because what was printed is not whole. Replaces the
 * listener that oclif puts on stdout when it is loaded, which throws.
 */
export function watchOutput(stdout: OutputStream, onLost: (error: TmachineError) => void): void {
  let told = false;
  stdout.removeAllListeners('error');
  stdout.on('error', (error) => {
    if (told || ('code' in error && error.code === 'EPIPE')) return;
    told = true;
    onLost(
      new TmachineError({
        code: 'OUTPUT_LOST',
        message: 'The output could not be written',
        reason: messageOf(error),
        nextSteps: ['look at the place that the output goes to'],
        cause: error,
      }),
    );
  });
}
