import { variableOf } from './engine-change.js';
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
  const read = (name: string) => variableOf(env ?? [], name);
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
 * JSON object: it is somebody's, and is not overwritten. '' when nothing is left in it: the file may go. What was added and taken away
 * again leaves the text as it was, its form and order too.
 */
export function withClientProxies(
  text: string | undefined,
  path: string,
  changes: Readonly<Record<string, ClientProxies | undefined>>,
): string | undefined {
  const before = parse(text, path);
  const old = before['proxies'];
  const proxies: Record<string, JsonValue> = isJsonObject(old) ? { ...old } : {};
  for (const [host, wanted] of Object.entries(changes)) {
    if (wanted === undefined) delete proxies[host];
    else proxies[host] = { ...wanted };
  }
  const { proxies: _, ...others } = before;
  const after: JsonObject = Object.keys(proxies).length === 0 ? others : { ...before, proxies };
  if (JSON.stringify(after) === JSON.stringify(before)) return undefined;
  return Object.keys(after).length === 0 ? '' : printedAs(text ?? '', after);
}

/** In the form of the file: its indentation, its line ends. A new one has the client's own: tabs, and no line end at its end. */
function printedAs(text: string, value: JsonObject): string {
  const indent = text.trim() === '' ? '\t' : /^\s*\{\r?\n([ \t]+)/.exec(text)?.[1];
  const printed = JSON.stringify(value, undefined, indent) + (/\s*$/.exec(text)?.[0] ?? '');
  return text.includes('\r\n') ? printed.replace(/\r?\n/g, '\r\n') : printed;
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
