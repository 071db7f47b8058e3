import { TmachineError } from '../core/errors.js';
import { unusablePacEntries } from '../core/pac-answer.js';
import type { ProxyResolver } from '../core/ports.js';
import {
  chooseProxy,
  describeProxy,
  type ProxyChoice,
  type ProxySources,
  type ProxyUrl,
  type SystemProxy,
} from '../core/proxy.js';
import { redactProxy, redactUrl } from '../core/redact.js';
import type { HttpTools } from './http.js';
import { parsePacLocation } from './pac-location.js';
import { loadPacScript, type PacCall, type PacScript } from './pac-script.js';

export interface ProxyResolverSetup extends Omit<HttpTools, 'proxies'> {
  /** `--proxy` */
  readonly flag?: string | undefined;
  readonly flagFrom?: ProxySources['flagFrom'];
  /** `--proxy-pac` */
  readonly pac?: string | undefined;
  /** `--proxy-pac` when absent, or the variable that named the script. */
  readonly pacFrom?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: 'linux' | 'darwin' | 'win32';
  /** The operating system's settings; undefined when it has none. */
  readonly readSystem: (call: PacCall) => Promise<SystemProxy | undefined>;
}

/**
 * Asks all that can name a proxy, each only when those before it say nothing: flag, environment, `--proxy-pac`, the operating
 * system, whose settings may name a PAC script too. Scripts and settings are read once. A script of the system's that cannot be had
 * is a warning, as in browsers; one that the user named is an error.
 */
export function createProxyResolver(setup: ProxyResolverSetup): ProxyResolver {
  const scripts = new Map<string, Promise<PacScript>>();
  let system: Promise<SystemProxy | undefined> | undefined;
  const told = new Set<string>();
  const avoided = new Set<ProxyUrl>();
  const refusals = new Map<ProxyUrl, TmachineError>();

  const answerOf = async (script: string, url: string, call: PacCall) => {
    const loading =
      scripts.get(script) ?? loadPacScript(parsePacLocation(script, setup.platform), setup, call);
    scripts.set(script, loading);
    const answer = await (await loading).proxiesFor(url, call);
    for (const entry of unusablePacEntries(answer)) {
      once(`${script} ${entry}`, () =>
        call.reporter.warn(
          `The PAC script ${redactUrl(script)} names "${redactProxy(entry)}", which is no usable proxy and is passed over`,
        ),
      );
    }
    return { answer, script };
  };

  const decide = async (url: string, call: PacCall): Promise<ProxyChoice> => {
    const { flag, flagFrom, env } = setup;
    const early = chooseProxy(url, { flag, flagFrom, env });
    if (early.from !== 'no proxy set') {
      if (setup.pac !== undefined && early.proxy !== 'direct') noteUnusedPac(early, setup.pac, call);
      return early;
    }
    if (setup.pac !== undefined) return chooseProxy(url, { env, pac: await answerOf(setup.pac, url, call) });
    system ??= setup.readSystem(call);
    const settings = await system;
    if (settings?.pacUrl === undefined) return chooseProxy(url, { env, system: settings });
    try {
      return chooseProxy(url, { env, pac: await answerOf(settings.pacUrl, url, call) });
    } catch (error) {
      if (!(error instanceof TmachineError) || error.code === 'INTERRUPTED') throw error;
      once(settings.pacUrl, () =>
        call.reporter.warn(`${error.message} (${error.reason ?? ''}); going on without it`),
      );
      return chooseProxy(url, { env, system: settings });
    }
  };

  const noteUnusedPac = (choice: ProxyChoice, pac: string, { reporter }: PacCall) =>
    once(`unused ${pac}`, () =>
      reporter.warn(
        `${setup.pacFrom ?? '--proxy-pac'} ${redactUrl(pac)} is not used for this: ${choice.from} comes before it`,
      ),
    );

  const once = (key: string, tell: () => void) => {
    if (told.has(key)) return;
    told.add(key);
    tell();
  };

  return {
    resolve: async (url, call) => {
      const choice = reachableFirst(await decide(url, call), avoided);
      const refusal = refusals.get(choice.proxy);
      if (refusal !== undefined) throw refusal;
      const { origin } = new URL(url);
      once(`${origin} ${choice.proxy}`, () =>
        call.reporter.debug(`proxy for ${origin}: ${describeProxy(choice)}`),
      );
      return choice;
    },
    avoid: (proxy) => void avoided.add(proxy),
    refused: (proxy, failure) => void refusals.set(proxy, failure),
  };
}

function reachableFirst(choice: ProxyChoice, avoided: ReadonlySet<ProxyUrl>): ProxyChoice {
  if (choice.failover === undefined || avoided.size === 0) return choice;
  const ways = [choice.proxy, ...choice.failover];
  const ordered = [...ways.filter((way) => !avoided.has(way)), ...ways.filter((way) => avoided.has(way))];
  const [proxy = choice.proxy, ...failover] = ordered;
  return { ...choice, proxy, failover };
}
