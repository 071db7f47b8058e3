import type { Call } from '../app.js';
import { proxyPlace } from '../guest-proxy.js';
import type { MachineRecord } from '../machine.js';
import type { GuestShell } from '../ports.js';
import { redactProxy } from '../redact.js';

/** bash opens the connection: boot2docker and its like have it, and neither nc nor curl for sure. */
const CONNECT = `timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2"`;

const NO_SUCH_PROGRAM = 127;

/** The proxies in an engine's environment, without twins. Entries that are no URL are left out: the engine says so itself. */
export function proxiesOf(env: readonly string[] | null): readonly string[] {
  const urls = (env ?? []).flatMap((entry) => {
    const [, value = ''] = /^(?:https?|all)_proxy=(.+)$/i.exec(entry) ?? [];
    const url = value === '' || value.includes('://') ? value : `http://${value}`;
    return URL.canParse(url) ? [url] : [];
  });
  return [...new Set(urls)];
}

/** Asks the guest to connect to each proxy of its engine, and warns of those that it cannot reach (P04). Never fails. */
export async function warnOfUnreachableProxies(
  record: MachineRecord,
  shell: GuestShell,
  call: Call,
): Promise<void> {
  for (const url of proxiesOf(record.hostOptions.EngineOptions.Env)) {
    const refusal = await connectionRefusal(shell, url);
    if (refusal === undefined) continue;
    call.reporter.warn(
      `(${record.name}) The guest cannot reach the proxy ${redactProxy(url)} (${refusal}): pulls will fail. ${adviceFor(url, record.name)}`,
    );
  }
}

/** Undefined when the guest can open a TCP connection to the proxy or has nothing to try it with, else what it said. */
export async function connectionRefusal(shell: GuestShell, url: string): Promise<string | undefined> {
  const { host, port } = proxyPlace(url);
  const result = await shell.run(CONNECT, [host, String(port)], { timeoutMs: 30_000 });
  if (result.status === 0 || result.status === NO_SUCH_PROGRAM) return undefined;
  // bash's first line is of the look-up or the connection, its second of the redirection ("Invalid argument").
  const [said = ''] = result.stderr.trim().split('\n');
  return /([^:]+)$/.exec(said)?.[1]?.trim() || 'no answer within 5 s';
}

function adviceFor(url: string, name: string): string {
  const { host } = proxyPlace(url);
  return host === 'localhost' || host.startsWith('127.') || host === '::1'
    ? `That address means the guest itself; give the proxy with "tmachine set ${name} --http-proxy ... --https-proxy ...", which puts this computer's address in its place.`
    : `If it runs on this computer, let it listen on all addresses; "tmachine proxy check --machine ${name}" shows each hop.`;
}
