import type { Endpoint } from './driver.js';
import { GuestError } from './errors.js';

/** `tcp://host:port`, with brackets around an IPv6 address; what DOCKER_HOST takes. */
export function engineUrl(host: string, port: number): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Host and port of a tcp:, http: or https: URL, or undefined when it is none. The port is the engine's own by default. */
export function parseEngineUrl(url: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:tcp|https?):\/\/(?:\[([^\]]+)\]|([^/:]+))(?::(\d+))?(?:\/|$)/.exec(url);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) return undefined;
  return { host, port: match?.[3] === undefined ? 2376 : Number(match[3]) };
}

/**
 * The first IPv4 address of the card with this MAC (lower case, with or without colons) in the output of `ip addr show`.
 * Throws GuestError with the contract's text; `machineName` is for its next step.
 */
export function addressOfMac(ipAddrShow: string, mac: string, machineName: string): string {
  const wanted = mac.replaceAll(':', '').toLowerCase();
  let here = false;
  for (const line of ipAddrShow.split('\n')) {
    const link = /^\s*link\/\S+\s+(\S+)/.exec(line);
    if (link?.[1] !== undefined) here = link[1].replaceAll(':', '').toLowerCase() === wanted;
    const inet = /^\s*inet\s+([0-9.]+)/.exec(line);
    if (here && inet?.[1] !== undefined) return inet[1];
  }
  throw new GuestError({
    code: 'GUEST_ADDRESS_UNKNOWN',
    verbatim: true,
    message: `Could not find matching IP for MAC address ${mac}`,
    reason: 'the guest has no IPv4 address on that network card yet',
    nextSteps: [
      `wait a little and run the command again; look at the cards with: tmachine ssh ${machineName} ip addr`,
    ],
  });
}

/** All names under which a server certificate must be valid (P17, P20): address, loopback, machine name, `--tls-san`. */
export function certificateNames(machineName: string, address: string, sans: readonly string[]): string[] {
  return [...new Set([...sans, address, '127.0.0.1', '::1', 'localhost', machineName])];
}

/** The address, when it is known without asking the guest. */
export function knownAddress(endpoint: Endpoint): string | undefined {
  return endpoint.address.kind === 'known' ? endpoint.address.host : undefined;
}
