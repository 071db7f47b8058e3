import { randomBytes } from 'node:crypto';
import type { Random } from '../core/ports.js';

/** The operating system's randomness, fit for keys. */
export class SystemRandom implements Random {
  bytes(count: number): Uint8Array {
    return randomBytes(count);
  }
}
