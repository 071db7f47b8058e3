import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { throwIfInterrupted } from '../core/errors.js';

const BLOCK_BYTES = 1024 * 1024;

/** SHA-256 of a whole file, hex. Throws what reading throws, or the signal's reason. */
export async function sha256Of(file: FileHandle, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(BLOCK_BYTES);
  for (let offset = 0; ; ) {
    if (signal !== undefined) throwIfInterrupted(signal);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
}
