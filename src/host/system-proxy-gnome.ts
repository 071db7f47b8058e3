import type { SystemProxy } from '../core/proxy.js';

/**
 * The proxy in the output of `gsettings list-recursively org.gnome.system.proxy`, lines such as
 * `org.gnome.system.proxy.http host 'proxy.example'`; undefined when none is set.
 */
export function parseGnomeProxy(output: string): SystemProxy | undefined {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    const match = /^org\.gnome\.system\.proxy(?:\.(\w+))? ([\w-]+) (.*)$/.exec(line.trim());
    if (match?.[2] !== undefined) values.set(`${match[1] ?? ''}/${match[2]}`, match[3] ?? '');
  }
  const text = (key: string) => textsIn(values.get(key) ?? '')[0] ?? '';
  const mode = text('/mode');
  const pacUrl = text('/autoconfig-url');
  if (mode === 'auto' && pacUrl !== '') return { name: 'GNOME settings', pacUrl, exceptions: [] };
  if (mode !== 'manual') return undefined;

  const server = (kind: string) => {
    const host = text(`${kind}/host`);
    const port = Number(values.get(`${kind}/port`) ?? '0');
    return host === '' || !(port > 0) ? undefined : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  };
  const http = server('http');
  // As GNOME itself has it (GProxyResolverGnome of glib-networking): whatever use-same-proxy says, which is on by default beside an HTTPS
  // proxy of its own, that one counts, and without it the HTTP proxy.
  const https = server('https') ?? http;
  const socks = server('socks');
  if (http === undefined && https === undefined && socks === undefined) return undefined;
  return {
    name: 'GNOME settings',
    http: http === undefined ? undefined : withLogin(http, values),
    // There is one login, the HTTP proxy's: no other server gets to see it.
    https: https !== undefined && https === http ? withLogin(https, values) : https,
    socks: socks === undefined ? undefined : `socks5h://${socks}`,
    exceptions: textsIn(values.get('/ignore-hosts') ?? '').flatMap(withSubdomains),
  };
}

function withLogin(server: string, values: ReadonlyMap<string, string>): string {
  if (values.get('http/use-authentication') !== 'true') return server;
  const [user = ''] = textsIn(values.get('http/authentication-user') ?? '');
  const [password = ''] = textsIn(values.get('http/authentication-password') ?? '');
  return `http://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${server}`;
}

/** The texts in GVariant's notation: `'a'`, `['a', 'b']`, `@as []`. */
function textsIn(value: string): string[] {
  return [...value.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1'),
  );
}

/** A name means its subdomains too (https://docs.gtk.org/gio/property.SimpleProxyResolver.ignore-hosts.html). */
function withSubdomains(entry: string): string[] {
  const name = entry.replace(/^\*?\./, '');
  return /^[a-z][\w.-]*$/i.test(name) ? [name, `*.${name}`] : [entry];
}
