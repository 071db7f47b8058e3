import type { FileHandle } from 'node:fs/promises';

/** With one block on its way and one being filled, a killed process loses up to twice this. */
const BLOCK_BYTES = 512 * 1024;

/**
 * Writes to a file in blocks while the next block is being gathered: the network does not wait for the disk. A write that failed
 * is told by the next call.
 */
export class WriteBehind {
  readonly #handle: FileHandle;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Where the gathered bytes belong. */
  #offset: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, offset: number) {
    this.#handle = handle;
    this.#offset = offset;
  }

  /** The chunk belongs to the writer from now on. */
  async add(chunk: Uint8Array): Promise<void> {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= BLOCK_BYTES) await this.#hand();
  }

  /** Resolves when all that was added is written. */
  async flush(): Promise<void> {
    await this.#hand();
    await this.#writing;
  }

  async #hand(): Promise<void> {
    await this.#writing;
    const block = Buffer.concat(this.#gathered);
    const offset = this.#offset;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#offset += block.length;
    this.#writing = this.#write(block, offset);
    // The next call throws it; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  async #write(block: Uint8Array, offset: number): Promise<void> {
    let done = 0;
    while (done < block.length) {
      const { bytesWritten } = await this.#handle.write(block, done, block.length - done, offset + done);
      done += bytesWritten;
    }
  }
}
