import { connect, createServer, type Server } from 'node:net';
import { HostNotReadyError } from '../core/errors.js';
import type { HostFacts, LoopbackPorts } from '../core/ports.js';

const LOOPBACK = '127.0.0.1';
/** A listener on this computer accepts within a few milliseconds; Windows takes two seconds to say that there is none. */
const ACCEPT_MS = 250;

/** TCP ports on 127.0.0.1. No port is handed out twice: two forwards may be asked for before the first is in use. */
export class SystemLoopbackPorts implements LoopbackPorts {
  readonly #handedOut = new Set<number>();
  readonly #platform: HostFacts['platform'];

  constructor(platform: HostFacts['platform']) {
    this.#platform = platform;
  }

  /** Throws HostNotReadyError when the system has no free port. */
  async free(preferred = 0): Promise<number> {
    if (preferred !== 0 && !this.#handedOut.has(preferred) && (await this.isFree(preferred))) {
      this.#handedOut.add(preferred);
      return preferred;
    }
    for (;;) {
      const port = await bind(0);
      if (port === undefined) throw noPort();
      if (this.#handedOut.has(port) || !(await this.isFree(port))) continue;
      this.#handedOut.add(port);
      return port;
    }
  }

  async isFree(port: number): Promise<boolean> {
    if ((await bind(port)) === undefined) return false;
    // Linux refuses the bind when somebody listens on all addresses; BSD and Windows allow the more specific one.
    return this.#platform === 'linux' || !(await answers(port));
  }
}

/** The port that could be listened on (0: any), or undefined. */
function bind(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server: Server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : undefined));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ACCEPT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function noPort(): HostNotReadyError {
  return new HostNotReadyError({
    code: 'NO_FREE_PORT',
    message: `No free TCP port on ${LOOPBACK}`,
    reason: 'the system refuses every new listener, or all ports are taken',
    nextSteps: ['close programs that hold many connections and run the command again'],
  });
}
