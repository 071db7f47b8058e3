import type { TextStream } from './streams.js';

/** `no` for any answer that does not begin with y; `end` when the input ended without one. */
export type Answer = 'yes' | 'no' | 'end';

export interface PromptOptions {
  /** `process.stdin`: a terminal or a pipe (`yes | tmachine ...`). Left paused, with what follows the answer unread. */
  readonly input: NodeJS.ReadableStream;
  readonly output: TextStream;
  readonly signal: AbortSignal;
}

/** Asks a question that is answered with y or n. Rejects with the signal's reason when it is raised. */
export async function askYesNo(question: string, { input, output, signal }: PromptOptions): Promise<Answer> {
  signal.throwIfAborted();
  output.write(question);
  const line = await readLine(input, signal);
  if (line === undefined) {
    // After Ctrl-D the cursor still stands behind the question.
    if (output.isTTY === true) output.write('\n');
    return 'end';
  }
  return /^\s*y/i.test(line) ? 'yes' : 'no';
}

/** The next line without its end; undefined when there is none. A line that the input ends in counts. */
function readLine(input: NodeJS.ReadableStream, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (done: () => void) => {
      input.off('data', onData);
      input.off('end', onEnd);
      input.off('error', onEnd);
      signal.removeEventListener('abort', onAbort);
      input.pause();
      done();
    };
    const onData = (chunk: string | Uint8Array) => {
      text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
      const end = text.indexOf('\n');
      if (end < 0) return;
      settle(() => {
        if (end + 1 < text.length) input.unshift(text.slice(end + 1));
        resolve(text.slice(0, end));
      });
    };
    const onEnd = () => settle(() => resolve(text === '' ? undefined : text));
    const onAbort = () => settle(() => reject(signal.reason));
    // An input that has ended already says so no more.
    if (!input.readable) return resolve(undefined);
    input.on('data', onData);
    input.on('end', onEnd);
    // Reading a terminal that has gone away fails: there is nobody to ask.
    input.on('error', onEnd);
    signal.addEventListener('abort', onAbort);
    input.resume();
  });
}
