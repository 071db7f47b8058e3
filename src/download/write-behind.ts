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
    const block = this.#gathered;
    const offset = this.#offset;
    this.#offset += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#writing = this.#write(block, offset);
    // The next call throws it; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  async #write(block: readonly Uint8Array[], offset: number): Promise<void> {
    const length = block.reduce((sum, chunk) => sum + chunk.length, 0);
    if (length === 0) return;
    // All chunks in one call, as they are: putting them together first costs a tenth of the processor time of a download.
    let { bytesWritten: done } = await this.#handle.writev(block, offset);
    if (done === length) return;
    const rest = Buffer.concat(block);
    while (done < length) {
      const { bytesWritten } = await this.#handle.write(rest, done, length - done, offset + done);
      done += bytesWritten;
    }
  }
}
