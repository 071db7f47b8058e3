import type { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { TLSSocket } from 'node:tls';
import { connectionsTo } from './agent.js';

/** Who signed the certificate that was shown to us. */
export interface PresentedIssuer {
  /** `Corp Inspection CA (Corp Ltd)` */
  readonly name: string;
  /** SHA-256 of the authority's own certificate, when it was shown too. */
  readonly fingerprint: string | undefined;
}

/**
 * Looks at the certificate that is shown for `target` on this way, trusting nobody: the connection is closed after the handshake
 * and carries no request. Undefined when it cannot be seen. For a message only.
 */
export async function presentedIssuer(
  target: URL,
  proxy: string | 'direct',
  signal: AbortSignal,
): Promise<PresentedIssuer | undefined> {
  const anybody = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
  const connections = await connectionsTo(target, proxy, { signal, tls: anybody });
  try {
    return await new Promise((resolve) => {
      const look = request(target, { ...connections.options, ...anybody, signal });
      look.on('error', () => resolve(undefined));
      look.on('close', () => resolve(undefined));
      look.on('socket', (socket) => {
        if (!(socket instanceof TLSSocket)) return resolve(undefined);
        // Each kind of connection hands its socket over before the handshake has ended.
        socket.once('secureConnect', () => resolve(issuerOf(socket.getPeerX509Certificate())));
      });
    });
  } finally {
    connections.close();
  }
}

function issuerOf(leaf: X509Certificate | undefined): PresentedIssuer | undefined {
  if (leaf === undefined) return undefined;
  let top = leaf;
  while (top.issuerCertificate !== undefined && top.issuerCertificate !== top) top = top.issuerCertificate;
  // Lines such as `O=Corp Ltd`.
  const part = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(top.issuer)?.[1] ?? '';
  const [name, ...more] = [part('CN'), part('O')].filter((text) => text !== '');
  if (name === undefined) return undefined;
  // A stranger's text must not steer the terminal.
  const words = `${name}${more.length === 0 ? '' : ` (${more.join(', ')})`}`
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .slice(0, 120);
  return { name: words, fingerprint: top.issuer === top.subject ? top.fingerprint256 : undefined };
}
