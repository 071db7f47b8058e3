import { StoreError } from './errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** What the docker client passes on to builds and containers, in its own key names. */
export interface ClientProxies {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string;
}

/** The proxies in an engine's environment, for the client; undefined when there are none. */
export function clientProxies(env: readonly string[] | null): ClientProxies | undefined {
  const read = (name: string) =>
    env?.find((entry) => entry.toUpperCase().startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  const [httpProxy, httpsProxy, noProxy] = [read('HTTP_PROXY'), read('HTTPS_PROXY'), read('NO_PROXY')];
  if (httpProxy === '' && httpsProxy === '') return undefined;
  return {
    ...(httpProxy !== '' && { httpProxy }),
    ...(httpsProxy !== '' && { httpsProxy }),
    ...(noProxy !== '' && { noProxy }),
  };
}

/**
 * The text of the docker client's config.json with the proxies of some engines changed: by DOCKER_HOST, as the client itself looks them up
 * before its `default`; undefined takes an entry away. All else stays. Undefined when nothing changes. Throws StoreError for a file that is no
 * JSON object: it is somebody's, and is not overwritten.
 */
export function withClientProxies(
  text: string | undefined,
  path: string,
  changes: Readonly<Record<string, ClientProxies | undefined>>,
): string | undefined {
  const before = parse(text, path);
  const { proxies: old, ...others } = before;
  const proxies: Record<string, JsonValue> = isJsonObject(old) ? { ...old } : {};
  for (const [host, wanted] of Object.entries(changes)) {
    if (wanted === undefined) delete proxies[host];
    else proxies[host] = { ...wanted };
  }
  const after: JsonObject = Object.keys(proxies).length === 0 ? others : { ...others, proxies };
  // The client's own form: tabs, no line end.
  return JSON.stringify(after) === JSON.stringify(before)
    ? undefined
    : JSON.stringify(after, undefined, '\t');
}

function parse(text: string | undefined, path: string): JsonObject {
  if (text === undefined || text.trim() === '') return {};
  try {
    const found: unknown = JSON.parse(text);
    if (isJsonObject(found)) return found;
  } catch {
    // said below, as for any other text
  }
  throw new StoreError({
    code: 'DOCKER_CONFIG_UNREADABLE',
    message: `The docker client's "${path}" is no JSON object`,
    reason: 'it is left as it is',
    nextSteps: ['mend it, or move it away, and run the command again'],
  });
}
