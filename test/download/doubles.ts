import { readdir, readlink, rename, rm } from 'node:fs/promises';
import type { FileSwaps, ProxyResolver, Random, TrustStore } from '../../src/core/ports.js';
import type { Reporter } from '../../src/core/reporter.js';
import { HeldClock } from '../support/fake-clock.js';

/**
 * A clock that stands still. Sleeps up to `passesMs` (waits between tries) pass at once and move it on; longer ones (the watch for
 * silence) last until the test moves it.
 */
export class PatientClock extends HeldClock {
  readonly slept: number[] = [];
  readonly #passesMs: number;

  constructor(passesMs = 30_000) {
    super(Date.parse('2026-11-21T12:00:00Z'));
    this.#passesMs = passesMs;
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (ms > this.#passesMs) return super.sleep(ms, signal);
    this.slept.push(ms);
    await this.advance(ms);
  }
}

/** Always the same byte: waits are neither stretched nor shortened. */
export const noJitter: Random = { bytes: (count) => new Uint8Array(count) };

/** No proxy for anything. */
export const direct: ProxyResolver = { resolve: async () => ({ proxy: 'direct', from: 'no proxy set' }) };

/** Trusts what this certificate (PEM) vouches for. */
export function trusting(certificate: string): TrustStore {
  return {
    named: async () => [{ from: 'this test', certificates: [certificate] }],
    system: async () => [],
  };
}

/**
 * Renames and deletes for real, and fails when the file to be moved or deleted is still open in this process, as Windows does.
 * `holds` names files that somebody else has open: deleting them does not work.
 */
export class WatchfulSwaps implements FileSwaps {
  readonly replaced: string[] = [];
  readonly discarded: string[] = [];
  readonly #holds: (path: string) => boolean;

  constructor(holds: (path: string) => boolean = () => false) {
    this.#holds = holds;
  }

  async replace(temporary: string, target: string): Promise<void> {
    await assertClosed(temporary);
    await assertClosed(target);
    this.replaced.push(target);
    await rename(temporary, target);
  }

  async discard(path: string): Promise<boolean> {
    await assertClosed(path);
    this.discarded.push(path);
    if (this.#holds(path)) return false;
    await rm(path, { force: true });
    return true;
  }
}

async function assertClosed(path: string): Promise<void> {
  for (const descriptor of await readdir('/proc/self/fd')) {
    const opened = await readlink(`/proc/self/fd/${descriptor}`).catch(() => '');
    if (opened === path) throw new Error(`EBUSY: "${path}" is still open in this process`);
  }
}

export interface RecordedReporter extends Reporter {
  readonly lines: readonly string[];
  readonly debugLines: readonly string[];
  /** Per bar: its length, then every position; `end` when it has ended. */
  readonly bars: readonly (number | 'end' | undefined)[][];
}

export function recordedReporter(): RecordedReporter {
  const lines: string[] = [];
  const debugLines: string[] = [];
  const bars: (number | 'end' | undefined)[][] = [];
  return {
    lines,
    debugLines,
    bars,
    step: (line) => void lines.push(line),
    warn: (line) => void lines.push(`! ${line}`),
    debug: (line) => void debugLines.push(line),
    progress: (totalBytes) => {
      const bar: (number | 'end' | undefined)[] = [totalBytes];
      bars.push(bar);
      return { update: (done) => void bar.push(done), end: () => void bar.push('end') };
    },
  };
}

/** The bytes of an ISO 9660 image that says of itself what it is told to. */
export function isoImage(
  options: { volumeId?: string; applicationId?: string; bytes?: number; fill?: number; claims?: number } = {},
): Buffer {
  const bytes = options.bytes ?? 1024 * 1024;
  const image = Buffer.alloc(bytes);
  for (let index = 0; index < bytes; index++) image[index] = (index * 7 + (options.fill ?? 0)) % 251;
  image.fill(' ', 0x8000, 0x8800);
  image[0x8000] = 1;
  image.write('CD001', 0x8001);
  image.write(options.volumeId ?? 'b2d-v26.1.5', 0x8028);
  image.writeUInt32LE((options.claims ?? bytes) / 2048, 0x8050);
  image.writeUInt16LE(2048, 0x8080);
  image.write(options.applicationId ?? 'Boot2Docker', 0x823e);
  return image;
}

/** Lets the event loop turn until the condition holds; jest's own limit ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
