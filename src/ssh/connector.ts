import type { Clock, HostFacts, ProcessRunner, Random, SshConnector } from '../core/ports.js';
import { readBanner } from './banner.js';
import { openConnection } from './client.js';
import { runExternalSsh } from './external.js';
import { guestShell } from './guest-shell.js';
import { generateSshKey } from './keys.js';
import { runSession, type Terminal } from './session.js';

export interface SshWorld {
  /** From sign of life to sign of life while nothing else is sent; default 15 s. */
  readonly keepaliveMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly facts: Pick<HostFacts, 'platform' | 'homeDirectory' | 'temporaryDirectory' | 'env'>;
  readonly processes: ProcessRunner;
  /** The caller's streams, asked for only by `session`. */
  readonly terminal: () => Terminal;
}

/** SSH by a client of our own; OpenSSH's program only where the user gives options for it. */
export function createSshConnector(world: SshWorld): SshConnector {
  return {
    banner: (host, port, options) => readBanner({ host, port }, { ...options, clock: world.clock }),
    connect: async (target, options) => {
      const connection = await openConnection(target, options, world);
      const shell = guestShell(connection, { clock: world.clock, signal: options.signal });
      return { run: shell.run, hostKey: connection.hostKey, close: connection.close };
    },
    generateKey: (type) => generateSshKey(type, world.random),
    session: async (target, args, options) => {
      const words = args[0] === '--' ? args.slice(1) : args;
      if (words === args && args[0]?.startsWith('-')) return runExternalSsh(target, args, options, world);
      const connection = await openConnection(target, options, world);
      try {
        const command = words.length === 0 ? undefined : words.join(' ');
        return await runSession(connection, command, world.terminal(), world.facts.env.TERM ?? 'xterm');
      } finally {
        await connection.close();
      }
    },
  };
}
