/** The part of a stream that is used here. */
export interface ByteStream {
  on(event: 'data', listener: (chunk: unknown) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** As much may wait to be taken; then the other side is made to wait. */
const MOST_WAITING_BYTES = 1024 * 1024;

/**
 * The bytes of a stream, taken as soon as they come: when the connection breaks, what had arrived is handed out first and the error
 * thrown after it. (A stream's own iterator drops what it holds when an error comes: up to everything on Node 22 and later.)
 * Begins at once, so call it before waiting for anything else.
 */
export function eagerBody(stream: ByteStream): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let end: { readonly error?: Error } | undefined;
  let wake: () => void = () => undefined;
  const finish = (error?: Error) => {
    end ??= error === undefined ? {} : { error };
    wake();
  };
  stream.on('data', (chunk) => {
    if (!(chunk instanceof Uint8Array)) return;
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes >= MOST_WAITING_BYTES) stream.pause();
    wake();
  });
  stream.on('end', () => finish());
  stream.on('error', finish);
  stream.on('close', () => finish(new Error('the connection was closed')));

  async function* take(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = waiting.shift();
      if (chunk !== undefined) {
        const wasFull = waitingBytes >= MOST_WAITING_BYTES;
        waitingBytes -= chunk.length;
        if (wasFull && waitingBytes < MOST_WAITING_BYTES) stream.resume();
        yield chunk;
      } else if (end?.error !== undefined) {
        throw end.error;
      } else if (end !== undefined) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return take();
}
