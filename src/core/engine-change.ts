import type { HostInGuest } from './driver.js';
import { UsageError } from './errors.js';
import { entriesOf, guestNoProxy } from './guest-proxy.js';
import type { EngineOptions, TrustedCertificate } from './machine.js';
import { redactProxy, redactSecrets } from './redact.js';
import { insecureRegistry, registryMirror, registryName, withoutSlash } from './registry-address.js';

/** All of a machine's settings that `set` changes. */
export interface EngineSettings {
  readonly engine: EngineOptions;
  readonly trusted: readonly TrustedCertificate[];
}

/** What is asked for. A proxy that is undefined stays as it is; one that is '' goes. */
export interface EngineChange {
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
  /** In place of the list that was given before; the machine's own networks are always added. */
  readonly noProxy?: string | undefined;
  /** `NAME=value`: in place of the variable of that name, else added. */
  readonly env: readonly string[];
  /** Added to those that are there. */
  readonly registryMirrors: readonly string[];
  readonly insecureRegistries: readonly string[];
  /** Added; one of the same name and registry is replaced. */
  readonly trusted: readonly TrustedCertificate[];
  /** Taken away first: `SETTING` whole, `SETTING=VALUE` that one alone. */
  readonly unset: readonly string[];
}

export const NO_CHANGE: EngineChange = {
  env: [],
  registryMirrors: [],
  insecureRegistries: [],
  trusted: [],
  unset: [],
};

export const UNSETTABLE = [
  'http-proxy',
  'https-proxy',
  'no-proxy',
  'engine-env',
  'registry-mirror',
  'insecure-registry',
  'ca-cert',
] as const;

type Setting = (typeof UNSETTABLE)[number];

/**
 * The settings after a change, and one sentence for each thing that is different: none when nothing is. Doing the same change again
 * changes nothing. `idle` are those of `unset` that matched nothing. Pure. Throws UsageError for an `unset` that names no setting, and for
 * registries with which the engine would not start; what is there already is not judged.
 */
export function changeEngine(
  before: EngineSettings,
  change: EngineChange,
  host: HostInGuest | undefined,
): EngineSettings & { readonly changes: readonly string[]; readonly idle: readonly string[] } {
  const cleared = change.unset.map(parseUnset).reduce(takeAway, before);
  const idle = change.unset
    .filter((text) => differences(before, takeAway(before, parseUnset(text))).length === 0)
    // A variable's name finds it; its value may be a secret.
    .map((text) => redactSecrets(text.replace(/^((?:--)?engine-env=[^=]*)=.*/s, '$1')));
  const mirrors = change.registryMirrors.map((url) => registryMirror(url, '--registry-mirror'));
  const insecure = change.insecureRegistries.map((it) => insecureRegistry(it, '--insecure-registry'));
  const after: EngineSettings = {
    engine: {
      ...cleared.engine,
      Env: withNoProxy(withVariables(cleared.engine.Env ?? [], change), change, host),
      RegistryMirror: union(cleared.engine.RegistryMirror, mirrors, withoutSlash),
      InsecureRegistry: union(cleared.engine.InsecureRegistry, insecure, registryName),
    },
    trusted: [
      ...cleared.trusted.filter((old) => !change.trusted.some((added) => isSamePlace(old, added))),
      ...change.trusted,
    ],
  };
  return { ...after, changes: differences(before, after), idle };
}

function parseUnset(text: string): { readonly setting: Setting; readonly value: string | undefined } {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const setting = UNSETTABLE.find((it) => it === name.replace(/^--/, ''));
  if (setting?.endsWith('-proxy') && equals >= 0) {
    throw new UsageError({
      message: `--unset ${redactSecrets(text)} cannot be done`,
      reason: `${setting} is one setting, not a list`,
      nextSteps: [`to take it away, whatever it is: --unset ${setting}`],
    });
  }
  if (setting !== undefined) return { setting, value: equals < 0 ? undefined : text.slice(equals + 1) };
  throw new UsageError({
    message: `--unset ${name} is not known`,
    reason: `these can be unset: ${UNSETTABLE.join(', ')}, docker-config`,
    nextSteps: ['for example: --unset http-proxy, --unset registry-mirror=http://mirror.example:5000'],
  });
}

function takeAway(
  settings: EngineSettings,
  { setting, value }: ReturnType<typeof parseUnset>,
): EngineSettings {
  const { engine, trusted } = settings;
  const without = (list: readonly string[] | null, name: (entry: string) => string) =>
    list?.filter((entry) => value !== undefined && name(entry) !== name(value)) ?? null;
  switch (setting) {
    case 'http-proxy':
    case 'https-proxy':
    case 'no-proxy':
      return { trusted, engine: { ...engine, Env: withoutVariable(engine.Env ?? [], VARIABLES[setting]) } };
    case 'engine-env':
      return {
        trusted,
        engine: {
          ...engine,
          Env: (engine.Env ?? []).filter((entry) => value !== undefined && nameOf(entry) !== nameOf(value)),
        },
      };
    case 'registry-mirror':
      return { trusted, engine: { ...engine, RegistryMirror: without(engine.RegistryMirror, withoutSlash) } };
    case 'insecure-registry':
      return {
        trusted,
        engine: { ...engine, InsecureRegistry: without(engine.InsecureRegistry, registryName) },
      };
    case 'ca-cert':
      return {
        engine,
        trusted: trusted.filter((it) => value !== undefined && placeOf(it) !== value),
      };
  }
}

const VARIABLES = {
  'http-proxy': 'HTTP_PROXY',
  'https-proxy': 'HTTPS_PROXY',
  'no-proxy': 'NO_PROXY',
} as const;

/** Programs read these in both cases, so that they are one setting here. */
function withoutVariable(env: readonly string[], name: string): readonly string[] {
  return env.filter((entry) => nameOf(entry).toUpperCase() !== name);
}

function withVariables(env: readonly string[], change: EngineChange): readonly string[] {
  const names = new Set(change.env.map(nameOf));
  // The last one of a name wins, as on a command line.
  const added = change.env.filter(
    (entry, at) => !change.env.slice(at + 1).some((it) => nameOf(it) === nameOf(entry)),
  );
  const kept = env.filter((entry) => !names.has(nameOf(entry)));
  return withProxy(
    withProxy([...kept, ...added], 'HTTP_PROXY', change.httpProxy),
    'HTTPS_PROXY',
    change.httpsProxy,
  );
}

function withProxy(env: readonly string[], name: string, value: string | undefined): readonly string[] {
  if (value === undefined) return env;
  return value === '' ? withoutVariable(env, name) : [...withoutVariable(env, name), `${name}=${value}`];
}

/**
 * NO_PROXY belongs to a proxy that `set` was given: it is there with the machine's own networks as long as one is, and goes with the last.
 * An environment that nobody asked to change stays as it is, whatever it holds.
 */
function withNoProxy(
  env: readonly string[],
  change: EngineChange,
  host: HostInGuest | undefined,
): readonly string[] {
  const isAsked =
    [change.httpProxy, change.httpsProxy, change.noProxy].some((it) => it !== undefined) ||
    change.unset.some((it) => /^(--)?(https?|no)-proxy/.test(it));
  if (!isAsked) return env;
  const others = withoutVariable(env, 'NO_PROXY');
  const list = change.noProxy ?? variableOf(env, 'NO_PROXY');
  const hasProxy = others.some((entry) => /^(HTTPS?|ALL)_PROXY=./i.test(entry));
  if (hasProxy) return [...others, `NO_PROXY=${guestNoProxy(list, host)}`];
  const own = new Set(entriesOf(guestNoProxy('', host)));
  return entriesOf(list).every((entry) => own.has(entry)) ? others : [...others, `NO_PROXY=${list}`];
}

/** A proxy variable in an engine's environment; '' when it is not set. In both cases: the upper case form, unless it is empty. */
export function variableOf(env: readonly string[], name: string): string {
  const value = (is: (entry: string) => boolean) => env.find(is)?.slice(name.length + 1) ?? '';
  return (
    value((it) => nameOf(it) === name) ||
    value((it) => nameOf(it).toUpperCase() === name && it.length > name.length + 1)
  );
}

function nameOf(entry: string): string {
  return entry.split('=', 1)[0] ?? '';
}

/** Null, as docker-machine writes an empty list that was never set, stays null. Its entries are as they were typed: `name` makes two comparable. */
function union(
  old: readonly string[] | null,
  added: readonly string[],
  name: (entry: string) => string,
): readonly string[] | null {
  const known = new Set(old?.map(name));
  const fresh = added.filter((value, at) => !known.has(value) && added.indexOf(value) === at);
  return fresh.length === 0 ? old : [...(old ?? []), ...fresh];
}

function isSamePlace(one: TrustedCertificate, other: TrustedCertificate): boolean {
  return placeOf(one) === placeOf(other);
}

function placeOf({ name, registry }: TrustedCertificate): string {
  return registry === undefined ? name : `${registry}=${name}`;
}

function differences(before: EngineSettings, after: EngineSettings): readonly string[] {
  const was = linesOf(before);
  const is = linesOf(after);
  const changes: string[] = [];
  for (const [what, value] of is) {
    const old = was.get(what);
    if (old === undefined) changes.push(`${what}: ${isShown(what) ? shown(value) : 'added'}`);
    else if (old !== value) {
      changes.push(`${what}: ${isShown(what) ? `${shown(value)} (was ${shown(old)})` : 'changed'}`);
    }
  }
  for (const [what, value] of was) {
    if (!is.has(what)) changes.push(`${what}: removed${isShown(what) ? ` (was ${shown(value)})` : ''}`);
  }
  return changes;
}

/** Each setting by what it is called; the entries of a list are settings of their own. */
function linesOf({ engine, trusted }: EngineSettings): Map<string, string> {
  return new Map([
    ...(engine.Env ?? []).map((entry): [string, string] => [
      `variable ${nameOf(entry)}`,
      entry.slice(nameOf(entry).length + 1),
    ]),
    ...(engine.RegistryMirror ?? []).map((url): [string, string] => [
      `registry mirror ${redactSecrets(url)}`,
      url,
    ]),
    ...(engine.InsecureRegistry ?? []).map((name): [string, string] => [`insecure registry ${name}`, '']),
    ...trusted.map((it): [string, string] => [`certificate ${placeOf(it)}`, it.pem]),
  ]);
}

/** The values of proxy variables are addresses; those of others may be secrets, and are nobody's who looks over a shoulder. */
function isShown(what: string): boolean {
  return /^variable (https?|no|all)_proxy$/i.test(what);
}

function shown(value: string): string {
  return value === '' ? '(empty)' : redactProxy(value);
}
