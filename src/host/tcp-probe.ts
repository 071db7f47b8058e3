import { connect } from 'node:net';
import type { TcpProbe } from '../core/ports.js';

/** Connects and hangs up at once. A refusal, an unknown host and silence are all `false`; a raised signal ends the wait with `false` too. */
export const systemTcpProbe: TcpProbe = {
  isOpen: (host, port, { timeoutMs, signal }) =>
    new Promise((resolve) => {
      const socket = connect({ host, port });
      const settle = (isOpen: boolean) => {
        socket.destroy();
        signal.removeEventListener('abort', onAbort);
        resolve(isOpen);
      };
      const onAbort = () => settle(false);
      signal.addEventListener('abort', onAbort, { once: true });
      socket.setTimeout(timeoutMs, () => settle(false));
      socket.once('connect', () => settle(true));
      socket.once('error', () => settle(false));
      if (signal.aborted) settle(false);
    }),
};
