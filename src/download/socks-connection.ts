import { once } from 'node:events';
import type { RequestOptions } from 'node:https';
import { connect, isIP, Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export interface SocksConnection {
  /** For a request that is to go this way. */
  readonly options: Pick<RequestOptions, 'createConnection'>;
  /** Ends it, in whatever state it is. */
  close(): void;
}

export interface SocksSettings {
  readonly signal: AbortSignal;
  readonly autoSelectFamilyAttemptTimeout: number;
  /** For an https target. */
  readonly tls: Pick<ConnectionOptions, 'secureContext' | 'checkServerIdentity' | 'rejectUnauthorized'>;
}

/**
 * A way to `target` through a SOCKS server of version 4a or 5. Names are resolved by the server (as Go does it): networks that need
 * one rarely resolve outside names. The signal ends it at once, also in the middle of a handshake, where the agent of proxy-agent
 * would wait 30 s for a dead server.
 */
export function socksConnectionTo(target: URL, proxy: URL, settings: SocksSettings): SocksConnection {
  let outermost: Socket | undefined;
  const open = async (): Promise<Socket> => {
    const { signal, autoSelectFamilyAttemptTimeout, tls } = settings;
    const port = Number(proxy.port || 1080);
    const socket = connect({ host: bare(proxy.hostname), port, signal, autoSelectFamilyAttemptTimeout });
    outermost = socket;
    await once(socket, 'connect');
    await shakeHands(socket, target, proxy);
    if (target.protocol !== 'https:') return socket;
    const host = bare(target.hostname);
    const secured = connectTls({ ...tls, socket, servername: isIP(host) > 0 ? '' : host });
    outermost = secured;
    return secured;
  };
  return {
    options: {
      createConnection: (_, whenOpen) => {
        open().then(
          (socket) => whenOpen(null, socket),
          // Node looks at the error alone, its types want a socket too.
          (error: Error) => whenOpen(error, new Socket()),
        );
        return undefined;
      },
    },
    // TLS takes the socket below it along. To destroy that one first, from within a callback of TLS, crashes Node 20.
    close: () => outermost?.destroy(),
  };
}

async function shakeHands(socket: Socket, target: URL, proxy: URL): Promise<void> {
  const { SocksClient } = await import('socks');
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
  await SocksClient.createConnection({
    proxy: {
      host: bare(proxy.hostname),
      port: Number(proxy.port || 1080),
      type: proxy.protocol.startsWith('socks4') ? 4 : 5,
      userId: decodeURIComponent(proxy.username),
      password: decodeURIComponent(proxy.password),
    },
    destination: { host: bare(target.hostname), port },
    command: 'connect',
    existing_socket: socket,
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
