import { UsageError } from './errors.js';
import { isInRange, parseIpAddress } from './ip-address.js';
import { redactUrl } from './redact.js';

/** Of a name with dots: letters and digits, hyphens within. */
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

/**
 * A registry mirror as the engine takes it, without the slash at the end, so that two spellings are one mirror. Throws UsageError, in which
 * `from`, a flag or its variable, is named, for a URL with which dockerd refuses to start (ValidateMirror in moby's registry/config.go): another
 * scheme than http and https, a login, a query or a fragment. A path is taken, as by dockerd 26.1; much older ones refuse it.
 */
export function registryMirror(text: string, from: string): string {
  const url = /^https?:\/\/[^\s/]/i.test(text) && !/\s/.test(text) ? parsed(text) : undefined;
  const reason =
    url === undefined
      ? 'it is not of the form http://HOST:PORT or https://HOST:PORT'
      : url.username + url.password !== ''
        ? 'engines take no user name and password in it'
        : /[?#]/.test(text)
          ? 'engines take no query and no fragment (? and #) in it'
          : undefined;
  if (reason === undefined) return withoutSlash(text);
  throw unusable(text, from, reason, 'http://mirror.example:5000');
}

/**
 * An insecure registry as the engine takes it, without a scheme, which it does not want, and without the slash at the end. Throws UsageError, in
 * which `from` is named, for what dockerd refuses (loadInsecureRegistries, same file): all but `HOST`, `HOST:PORT` and a range.
 */
export function insecureRegistry(text: string, from: string): string {
  const registry = registryName(text);
  if (isRange(registry) || parseIpAddress(registry) !== undefined) return registry;
  const [, host = '', port = '0'] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(registry) ?? [];
  const isHost = NAME.test(host) || (host.startsWith('[') && parseIpAddress(host.slice(1, -1)) !== undefined);
  if (isHost && Number(port) <= 65_535) return registry;
  throw unusable(
    text,
    from,
    'it is not of the form HOST, HOST:PORT or a range of addresses',
    'registry.example:5000 or 10.0.0.0/8',
  );
}

/** An insecure registry in any spelling, as it is compared: without scheme and slash at the end. */
export function registryName(text: string): string {
  return withoutSlash(text.replace(/^https?:\/\//i, ''));
}

/** A mirror in any spelling, as it is compared. */
export function withoutSlash(address: string): string {
  return address.replace(/\/+$/, '');
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isRange(text: string): boolean {
  const address = parseIpAddress(text.split('/', 1)[0] ?? '');
  return address !== undefined && text.includes('/') && isInRange(address, text);
}

function unusable(text: string, from: string, reason: string, example: string): UsageError {
  return new UsageError({
    message: `The value "${redactUrl(text)}" of ${from} cannot be used`,
    reason: `${reason}: the engine would not start with it`,
    nextSteps: [`for example: ${example}`],
  });
}
