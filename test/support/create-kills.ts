import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type Outcome, tmachineIn } from './cli.js';
import { GUEST_IMAGE } from './guest-image.js';
import { qemuProcesses } from './qemu-processes.js';

/** Lines of a `create` on QEMU in their order; between each two of them lies work that a kill can meet. */
export const CREATE_LINES = [
  'Creating CA:',
  'Creating client certificate:',
  'Running pre-create checks...',
  'Creating machine...',
  '(cut) Copying ',
  '(cut) Creating QEMU VM...',
  '(cut) Creating SSH key...',
  '(cut) Starting the VM...',
  '(cut) Waiting for an IP...',
  'Waiting for SSH to be available...',
  'Detecting the provisioner...',
  'Copying certs to the remote machine...',
  'Checking connection to Docker...',
  'Docker is up and running!',
] as const;

export interface KillPoint {
  readonly line: string;
  /** From the line to the kill. */
  readonly delayMs: number;
}

/** Numbers from 0 to 1 that a seed decides, so that a failure can be had again (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run: KILL_SEED, else a new one. Printed, to be given again. */
export function killSeed(): number {
  const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
  console.log(`KILL_SEED=${seed}`);
  return seed;
}

/** A store in which the machine "cut" is created, and killed while it is. */
export function killableCreate(directory: string) {
  const tmachine = tmachineIn(directory);
  const create = ['create', '-d', 'qemu', '--qemu-boot2docker-url', GUEST_IMAGE, 'cut'];
  return {
    /** Begins a `create` and kills it with SIGKILL; one that ends before is as good. */
    cut: ({ line, delayMs }: KillPoint): Promise<Outcome> => {
      let isSeen = false;
      return tmachine(create, {
        timeoutMs: 300_000,
        onStdout: (all, kill) => {
          if (isSeen || !all.includes(line)) return;
          isSeen = true;
          setTimeout(() => kill('SIGKILL'), delayMs);
        },
      });
    },
    /** The same command again ends well, the engine answers, and `rm` leaves neither files nor processes. */
    finishAndRemove: async () => {
      expect(await tmachine(['ls'])).toMatchObject({ status: 0, stderr: '' });
      const again = await tmachine(create, { timeoutMs: 600_000 });
      // Killed after the last step: then it is complete, and says so.
      const isThere =
        again.status === 1 && again.stderr.startsWith('Docker machine "cut" already exists\n  Next');
      if (!isThere) expect(again).toMatchObject({ status: 0, stderr: '' });
      expect(await tmachine(['version', 'cut'])).toMatchObject({ status: 0, stderr: '' });
      expect(await tmachine(['rm', '-y', 'cut'], { timeoutMs: 120_000 })).toMatchObject({ status: 0 });
      expect(readdirSync(join(directory, 'machines'))).toEqual([]);
      expect(qemuProcesses(directory)).toEqual([]);
    },
  };
}
