import type { Readable } from 'node:stream';

/** Collects what a program prints, up to a limit. */
export class OutputCapture {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  /** `onOverflow` is called once when there is more than `limitBytes`; what came before is kept. */
  constructor(stream: Readable, limitBytes: number, onOverflow: () => void) {
    stream.on('data', (chunk: Buffer) => {
      const before = this.#size;
      this.#size += chunk.length;
      if (this.#size <= limitBytes) this.#chunks.push(chunk);
      else if (before <= limitBytes) onOverflow();
    });
    stream.on('error', () => undefined); // the pipe broke with its program, whose end says the same
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
