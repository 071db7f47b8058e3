import type { App, Call } from '../app.js';
import type { Driver, DriverSettings } from '../driver.js';
import { changeEngine, NO_CHANGE } from '../engine-change.js';
import type { HostOptions, TrustedCertificate } from '../machine.js';
import { engineProxies } from './engine-proxies.js';
import { readTrusted } from './trusted-certificates.js';

/** What `create` has beyond docker-machine's own flags; '' for one that was not given. */
export interface NetworkRequest {
  readonly engineProxy: string;
  /** A file. The same flag makes our own downloads trust it. */
  readonly caCert: string;
  /** `--ca-cert` when absent, or the variable that named the file. */
  readonly caCertFrom?: string;
}

/**
 * The settings of a new machine behind a proxy: the engine's environment with the proxy that was asked for, and what its guest trusts.
 * Throws UsageError for a proxy or a certificate that cannot be used.
 */
export async function initialSettings(
  app: App,
  machine: { readonly driver: Driver; readonly settings: DriverSettings; readonly hostOptions: HostOptions },
  request: NetworkRequest,
  call: Call,
): Promise<{ readonly hostOptions: HostOptions; readonly trusted: readonly TrustedCertificate[] }> {
  const host = machine.driver.hostInGuest?.(machine.settings);
  const trusted = await readTrusted(
    app,
    request.caCert === '' ? [] : [request.caCert],
    call,
    request.caCertFrom,
  );
  const engineProxy = request.engineProxy === '' ? undefined : request.engineProxy;
  const proxies = await engineProxies(app, { engineProxy }, call);
  const before = { engine: machine.hostOptions.EngineOptions, trusted: [] };
  const after = changeEngine(before, { ...NO_CHANGE, ...proxies(host), trusted }, host);
  return { hostOptions: { ...machine.hostOptions, EngineOptions: after.engine }, trusted: after.trusted };
}
