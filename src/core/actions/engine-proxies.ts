import type { App, Call } from '../app.js';
import type { HostInGuest } from '../driver.js';
import type { EngineChange } from '../engine-change.js';
import { UsageError } from '../errors.js';
import { guestProxy } from '../guest-proxy.js';
import { describeOrigin } from '../proxy.js';
import { noProxyEntry } from '../proxy-exceptions.js';
import { redactProxy } from '../redact.js';

/** What the proxy flags of `create` and `set` say; undefined when a flag was not given. */
export interface ProxyRequest {
  /** `auto`: as this computer; `none`: none; else a URL for everything. */
  readonly engineProxy?: string | undefined;
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
}

type ProxyChange = Pick<EngineChange, 'httpProxy' | 'httpsProxy' | 'noProxy'>;

/**
 * The proxies that a request means, as a function of how the guest sees this computer: loopback addresses are rewritten (P04), with a line
 * that says so. `auto` asks this computer's own settings, where they stand. Throws UsageError for a proxy that cannot be used.
 */
export async function engineProxies(
  app: App,
  request: ProxyRequest,
  call: Call,
): Promise<(host: HostInGuest | undefined) => ProxyChange> {
  const general = await generalProxies(app, request.engineProxy, call);
  return (host) => {
    const told = new Set<string>();
    const forGuest = (setting: string | undefined, flag: string) => {
      if (setting === undefined || setting === '' || setting === 'none') {
        return setting === undefined ? undefined : '';
      }
      const { url, rewritten, doubt } = guestProxy(setting, flag, host);
      if (rewritten && !told.has(url)) {
        call.reporter.step(`The proxy ${redactProxy(setting)} is ${redactProxy(url)} for the guest.`);
      }
      if (doubt !== undefined && !told.has(url)) call.reporter.warn(sentence(doubt));
      told.add(url);
      return url;
    };
    const { httpProxy, httpsProxy, noProxy } = { ...general, ...defined(request) };
    return {
      httpProxy: forGuest(httpProxy, httpProxy === general.httpProxy ? '--engine-proxy' : '--http-proxy'),
      httpsProxy: forGuest(
        httpsProxy,
        httpsProxy === general.httpsProxy ? '--engine-proxy' : '--https-proxy',
      ),
      noProxy: noProxy === 'none' ? '' : noProxy,
    };
  };
}

async function generalProxies(app: App, setting: string | undefined, call: Call): Promise<ProxyChange> {
  if (setting === undefined) return {};
  if (setting === '') {
    throw new UsageError({
      message: '--engine-proxy has no value',
      nextSteps: ['give "auto" (as this computer), "none" or a URL'],
    });
  }
  if (setting === 'none') return { httpProxy: '', httpsProxy: '', noProxy: '' };
  if (setting !== 'auto') return { httpProxy: setting, httpsProxy: setting };
  // Any host that no rule is about tells the general proxy.
  const http = await app.proxies.resolve('http://outside.invalid/', call);
  const https = await app.proxies.resolve('https://outside.invalid/', call);
  const from = https.proxy === 'direct' ? http : https;
  if (from.proxy === 'direct') {
    call.reporter.step(`This computer uses no proxy (${describeOrigin(from)}): the engine gets none.`);
    return { httpProxy: '', httpsProxy: '' };
  }
  call.reporter.step(
    `The engine gets the proxy of this computer: ${redactProxy(from.proxy)} (${describeOrigin(from)}).`,
  );
  const { exceptions = [] } = from;
  const noProxy = exceptions.flatMap((exception) => noProxyEntry(exception) ?? []).join(',');
  const unsaid = exceptions.filter((exception) => noProxyEntry(exception) === undefined);
  if (unsaid.length > 0) {
    call.reporter.step(
      `NO_PROXY has no form for some exceptions of this computer; if the engine needs their hosts, name them: ${unsaid.join(', ')}`,
    );
  }
  return {
    httpProxy: http.proxy === 'direct' ? '' : http.proxy,
    httpsProxy: https.proxy === 'direct' ? '' : https.proxy,
    ...(noProxy !== '' && { noProxy }),
  };
}

/** Only what was given: an undefined must not hide what the general flag says. */
function defined({ httpProxy, httpsProxy, noProxy }: ProxyRequest): ProxyChange {
  return {
    ...(httpProxy !== undefined && { httpProxy }),
    ...(httpsProxy !== undefined && { httpsProxy }),
    ...(noProxy !== undefined && { noProxy }),
  };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
