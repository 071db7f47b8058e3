import { entriesOf, proxyPlace } from '../guest-proxy.js';
import type { MachineRecord } from '../machine.js';
import type { GuestShell, Hop } from '../ports.js';
import { isNoProxyHost } from '../proxy-exceptions.js';
import { redactProxy } from '../redact.js';
import { connectionRefusal } from './guest-proxies.js';

/** What the running engine was started with: the record may have changed since. */
const ENGINE_ENVIRONMENT = `sudo sh -c 'tr "\\\\0" "\\\\n" <"/proc/$(cat /var/run/docker.pid)/environ"' | grep -i "_proxy="`;

/** The request comes on stdin: it may hold a password. Prints the first line of the answer. */
const ASK_PROXY = `timeout 20 bash -c 'exec 3<>"/dev/tcp/$0/$1" && cat >&3 && IFS= read -r line <&3 && printf "%s" "$line"' "$1" "$2"`;

/** A password comes on stdin. Says who signed the certificate, and whether the guest trusts it. */
const LOOK_AT_CERTIFICATE = `IFS= read -r TM_PASSWORD; export TM_PASSWORD
place=$1 name=$2 proxy=$3 user=$4
set -- -connect "$place" -servername "$name" -verify_hostname "$name" -CAfile /etc/ssl/certs/ca-certificates.crt
[ -z "$proxy" ] || set -- "$@" -proxy "$proxy"
[ -z "$user" ] || set -- "$@" -proxy_user "$user" -proxy_pass env:TM_PASSWORD
timeout 30 openssl s_client "$@" </dev/null 2>&1 | grep -E "^issuer=|Verify return code:|Verification error:"`;

/** The steps from inside a guest to a URL, as its engine goes them. Stops at the first that fails. Throws GuestError on a lost connection. */
export async function checkFromGuest(
  shell: GuestShell,
  record: MachineRecord,
  url: string,
): Promise<readonly Hop[]> {
  const target = new URL(url);
  const environment = (await shell.run(ENGINE_ENVIRONMENT)).stdout.split('\n');
  const proxy = proxyFor(target, environment);
  const hops: Hop[] = [choice(target, proxy, record, environment)];
  const peer = proxy ?? { url: target.href };
  const refusal = await connectionRefusal(shell, peer.url);
  const { host, port } = proxyPlace(peer.url);
  if (refusal !== undefined) {
    hops.push({
      name: 'connection',
      ok: false,
      text: `${host}:${port} cannot be reached from inside (${refusal})`,
      nextSteps: [
        proxy === undefined
          ? `a network that has a proxy needs it here too: tmachine set ${record.name} --engine-proxy auto`
          : `if the proxy runs on this computer, let it listen on all addresses; another one: tmachine set ${record.name} --engine-proxy URL`,
      ],
    });
    return hops;
  }
  hops.push({ name: 'connection', ok: true, text: `${host}:${port} answers`, nextSteps: [] });
  if (target.protocol === 'https:' && (proxy === undefined || proxy.url.startsWith('http:'))) {
    const tunnel = proxy === undefined ? undefined : await openTunnel(shell, proxy.url, target);
    if (tunnel !== undefined) hops.push(tunnel);
    if (tunnel?.ok !== false) hops.push(...(await lookAtCertificate(shell, target, proxy?.url, record.name)));
  }
  if (target.protocol === 'http:' && (proxy === undefined || proxy.url.startsWith('http:'))) {
    hops.push(await askForHead(shell, target, proxy?.url));
  }
  return hops;
}

/** Go's rules: upper case first; NO_PROXY. */
function proxyFor(
  target: URL,
  environment: readonly string[],
): { readonly url: string; readonly variable: string } | undefined {
  const read = (name: string) => {
    const entry = environment.find((it) => it.startsWith(`${name}=`));
    return entry?.slice(name.length + 1) ?? '';
  };
  const except = read('NO_PROXY') || read('no_proxy');
  if (isNoProxyHost(target, entriesOf(except))) return undefined;
  const names = target.protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['HTTP_PROXY', 'http_proxy'];
  const variable = names.find((name) => read(name) !== '');
  if (variable === undefined) return undefined;
  const value = read(variable);
  return { variable, url: value.includes('://') ? value : `http://${value}` };
}

function choice(
  target: URL,
  proxy: ReturnType<typeof proxyFor>,
  record: MachineRecord,
  environment: readonly string[],
): Hop {
  const wanted = (record.hostOptions.EngineOptions.Env ?? []).filter((entry) => /^\w+_proxy=/i.test(entry));
  const late = wanted.filter((entry) => !environment.includes(entry));
  const text = `${proxy === undefined ? 'direct' : `${redactProxy(proxy.url)} (${proxy.variable} of its engine)`} for ${target.origin}`;
  if (late.length === 0) return { name: 'proxy', ok: true, text, nextSteps: [] };
  return {
    name: 'proxy',
    ok: false,
    text: `${text}; its engine does not have ${late.map((entry) => entry.split('=', 1)[0]).join(', ')} as it was set`,
    nextSteps: [`bring its settings there: tmachine provision ${record.name}`],
  };
}

async function openTunnel(shell: GuestShell, proxy: string, target: URL): Promise<Hop> {
  const { host, port } = proxyPlace(proxy);
  const place = `${target.hostname}:${target.port || '443'}`;
  const asked = await shell.run(ASK_PROXY, [host, String(port)], {
    input: `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n${loginFor(proxy)}\r\n`,
    timeoutMs: 40_000,
  });
  const answer = asked.stdout.trim();
  if (/^HTTP\/1\.[01] 2\d\d/.test(answer)) return { name: 'tunnel', ok: true, text: answer, nextSteps: [] };
  return {
    name: 'tunnel',
    ok: false,
    text: `the proxy does not open a tunnel to ${place}: ${answer || 'no answer'}`,
    nextSteps: [answer.includes(' 407') ? GIVE_LOGIN : `ask whoever runs the proxy to allow ${place}`],
  };
}

const GIVE_LOGIN = 'it wants a login: put USER:PASSWORD@ before the host in the URL of the proxy';

/** The header that logs into the proxy, with its line end; nothing for one without a login. */
function loginFor(proxy: string): string {
  const { username, password } = new URL(proxy);
  if (username === '') return '';
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Proxy-Authorization: Basic ${Buffer.from(login).toString('base64')}\r\n`;
}

/** Asks for the head of the answer alone: what lies at the URL may be big. Whatever the server says, the way is open. */
async function askForHead(shell: GuestShell, target: URL, proxy: string | undefined): Promise<Hop> {
  const { host, port } = proxyPlace(proxy ?? target.href);
  const path = `${target.pathname}${target.search}`;
  const what = proxy === undefined ? path : `http://${target.host}${path}`;
  const login = proxy === undefined ? '' : loginFor(proxy);
  const asked = await shell.run(ASK_PROXY, [host, String(port)], {
    input: `HEAD ${what} HTTP/1.1\r\nHost: ${target.host}\r\nConnection: close\r\n${login}\r\n`,
    timeoutMs: 40_000,
  });
  const answer = asked.stdout.trim();
  const ok = /^HTTP\/1\.[01] (?!407)\d{3}/.test(answer);
  return {
    name: 'answer',
    ok,
    text: ok ? answer : `${proxy === undefined ? host : 'the proxy'} answers: ${answer || 'nothing'}`,
    nextSteps: ok ? [] : [answer.includes(' 407') ? GIVE_LOGIN : `check that ${target.host} speaks HTTP`],
  };
}

async function lookAtCertificate(
  shell: GuestShell,
  target: URL,
  proxy: string | undefined,
  machineName: string,
): Promise<readonly Hop[]> {
  const { username, password } = proxy === undefined ? { username: '', password: '' } : new URL(proxy);
  const peer = proxy === undefined ? undefined : proxyPlace(proxy);
  const looked = await shell.run(
    LOOK_AT_CERTIFICATE,
    [
      `${target.hostname}:${target.port || '443'}`,
      target.hostname,
      peer === undefined ? '' : `${peer.host}:${peer.port}`,
      decodeURIComponent(username),
    ],
    { input: `${decodeURIComponent(password)}\n`, timeoutMs: 60_000 },
  );
  const issuer = /^issuer=(.*)$/m.exec(looked.stdout)?.[1]?.trim();
  // A guest without openssl shows nothing.
  if (issuer === undefined) return [];
  if (/Verify return code: 0/.test(looked.stdout)) {
    return [{ name: 'certificate', ok: true, text: `trusted, signed by ${issuer}`, nextSteps: [] }];
  }
  const why = /Verif(?:y return code: \d+ \((.*)\)|ication error: (.*))/.exec(looked.stdout);
  return [
    {
      name: 'certificate',
      ok: false,
      text: `the guest does not trust the certificate signed by ${issuer}`,
      reason: why?.[1] ?? why?.[2],
      nextSteps: [
        `get the certificate of that authority as a file, and make the guest trust it: tmachine set ${machineName} --ca-cert FILE`,
      ],
    },
  ];
}
