import type { SystemProxy } from '../core/proxy.js';

/** The proxy in the output of `scutil --proxy`; undefined when none is set. */
export function parseScutilProxy(output: string): SystemProxy | undefined {
  const values = new Map<string, string>();
  const exceptions: string[] = [];
  let inExceptions = false;
  for (const line of output.split('\n').map((text) => text.trim())) {
    const match = /^(\w+) : (.*)$/.exec(line);
    if (line === '}') inExceptions = false;
    else if (match?.[1] === 'ExceptionsList') inExceptions = true;
    else if (match?.[1] !== undefined && inExceptions) exceptions.push(wholeRange(match[2] ?? ''));
    else if (match?.[1] !== undefined && !values.has(match[1])) values.set(match[1], match[2] ?? '');
  }
  if (values.get('ExcludeSimpleHostnames') === '1') exceptions.push('<local>');

  const server = (kind: string) => {
    const host = values.get(`${kind}Proxy`);
    if (values.get(`${kind}Enable`) !== '1' || host === undefined || host === '') return undefined;
    const port = values.get(`${kind}Port`);
    return `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`;
  };
  const socks = server('SOCKS');
  const pacUrl =
    values.get('ProxyAutoConfigEnable') === '1' ? values.get('ProxyAutoConfigURLString') : undefined;
  const proxy = {
    http: server('HTTP'),
    https: server('HTTPS'),
    socks: socks === undefined ? undefined : `socks5h://${socks}`,
    pacUrl: pacUrl === '' ? undefined : pacUrl,
  };
  if (Object.values(proxy).every((value) => value === undefined)) return undefined;
  return { name: 'macOS network settings', ...proxy, exceptions };
}

/** macOS writes `169.254/16` for 169.254.0.0/16. */
function wholeRange(entry: string): string {
  const match = /^(\d+(?:\.\d+){0,2})\/(\d+)$/.exec(entry);
  if (match?.[1] === undefined) return entry;
  const parts = match[1].split('.');
  return `${[...parts, ...Array<string>(4 - parts.length).fill('0')].join('.')}/${match[2]}`;
}
