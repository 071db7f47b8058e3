import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { describeProxy, type SystemProxy } from '../../src/core/proxy.js';
import { createProxyResolver, type ProxyResolverSetup } from '../../src/download/proxy-resolver.js';
import { type MisbehavingServer, startMisbehavingServer, status } from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { PatientClock, type RecordedReporter, recordedReporter } from './doubles.js';

const URL_ASKED = 'https://github.com/boot2docker/boot2docker/releases';
const SCRIPT = `function FindProxyForURL(url, host) {
  if (isPlainHostName(host) || dnsDomainIs(host, ".corp.example")) return "DIRECT";
  if (shExpMatch(url, "*secret*")) return "PROXY leaked.corp.example:1";
  return "PROXY first.corp.example:8080; SOCKS5 second.corp.example:1080; DIRECT";
}`;
const FIRST = 'http://first.corp.example:8080';

let server: MisbehavingServer;
let folder: { path: string; remove: () => Promise<void> };
let reporter: RecordedReporter;
let systemReads: number;

beforeAll(async () => {
  server = await startMisbehavingServer();
  folder = await temporaryDirectory('pac');
});

afterAll(async () => {
  await server.close();
  await folder.remove();
});

beforeEach(() => {
  reporter = recordedReporter();
  systemReads = 0;
  server.on('/proxy.pac', status(200, {}, SCRIPT));
});

function resolverOf(setup: Partial<ProxyResolverSetup> & { system?: SystemProxy }) {
  const resolver = createProxyResolver({
    clock: new PatientClock(0),
    env: {},
    platform: 'linux',
    readSystem: async () => {
      systemReads++;
      return setup.system;
    },
    ...setup,
  });
  // As the download calls it: with a request of its own, of which nothing may reach the script's server.
  const call = {
    reporter,
    signal: new AbortController().signal,
    url: 'http://nowhere.invalid/',
    headers: { authorization: 'secret' },
  };
  return {
    ask: (url: string) => resolver.resolve(url, call),
    said: async (url: string) => describeProxy(await resolver.resolve(url, call)),
    avoid: (proxy: string) => resolver.avoid?.(proxy),
  };
}

describe('P02: a PAC script', () => {
  test('names proxies in order, and its own address is told', async () => {
    const pac = `${server.origin}/proxy.pac`;
    const { ask, said } = resolverOf({ pac });
    expect(await ask(URL_ASKED)).toEqual({
      proxy: FIRST,
      from: 'PAC script',
      where: pac,
      failover: ['socks5h://second.corp.example:1080', 'direct'],
    });
    expect(await said(URL_ASKED)).toBe(`${FIRST} (PAC script ${pac})`);
    expect(await said('https://git.corp.example/')).toBe(`direct (PAC script ${pac})`);
    expect(systemReads).toBe(0);
    expect(reporter.debugLines).toContain(`proxy for https://github.com: ${FIRST} (PAC script ${pac})`);
  });

  test('is loaded once, and sees no path of an https URL', async () => {
    const before = server.requests.length;
    const { ask } = resolverOf({ pac: `${server.origin}/proxy.pac` });
    expect((await ask('https://github.com/secret?token=secret')).proxy).toBe(FIRST);
    expect((await ask('http://github.com/secret')).proxy).toBe('http://leaked.corp.example:1');
    expect(server.requests.length - before).toBe(1);
  });

  test('is taken from a file, with a byte order mark', async () => {
    const path = join(folder.path, 'proxy.pac');
    await writeFile(path, `\uFEFF${SCRIPT}`);
    expect((await resolverOf({ pac: path }).ask(URL_ASKED)).proxy).toBe(FIRST);
    expect((await resolverOf({ pac: `file://${path}` }).ask(URL_ASKED)).proxy).toBe(FIRST);
  });

  test('what could not be reached is asked last from then on', async () => {
    const { ask, avoid } = resolverOf({ pac: `${server.origin}/proxy.pac` });
    avoid(FIRST);
    expect(await ask(URL_ASKED)).toMatchObject({
      proxy: 'socks5h://second.corp.example:1080',
      failover: ['direct', FIRST],
    });
  });

  test('an entry of no use is passed over, and said once', async () => {
    const answer = 'QUIC a.example:1; PROXY :8080; PROXY; PROXY good.example:1';
    server.on('/odd.pac', status(200, {}, `function FindProxyForURL() { return "${answer}"; }`));
    const pac = `${server.origin}/odd.pac`;
    const { ask } = resolverOf({ pac });
    expect(await ask(URL_ASKED)).toMatchObject({ proxy: 'http://good.example:1', failover: [] });
    await ask('https://other.example/');
    const said = (entry: string) =>
      `! The PAC script ${pac} names "${entry}", which is no usable proxy and is passed over`;
    expect(reporter.lines).toEqual([said('QUIC a.example:1'), said('PROXY :8080'), said('PROXY')]);
  });

  test('comes after the environment, which is said', async () => {
    const { said } = resolverOf({ pac: `${server.origin}/proxy.pac`, env: { HTTPS_PROXY: 'env:1' } });
    expect(await said(URL_ASKED)).toBe('http://env:1 (HTTPS_PROXY)');
    expect(await said(URL_ASKED)).toBe('http://env:1 (HTTPS_PROXY)');
    expect(reporter.lines).toEqual([
      `! --proxy-pac ${server.origin}/proxy.pac is not used for this: HTTPS_PROXY comes before it`,
    ]);
  });

  test('writes to the debug log, never to stdout', async () => {
    server.on(
      '/alert.pac',
      status(200, {}, 'function FindProxyForURL() { alert("here"); return "DIRECT"; }'),
    );
    await resolverOf({ pac: `${server.origin}/alert.pac` }).ask(URL_ASKED);
    expect(reporter.debugLines).toContain('PAC script: here');
  });

  test.each<[string, string, string]>([
    ['is no script', '<html>Log in</html>', 'it is no PAC script: '],
    ['has no FindProxyForURL', 'var x = 1;', 'it is no PAC script: '],
    ['throws', 'function FindProxyForURL() { throw new Error("oops"); }', 'it fails: oops'],
    ['never ends', 'function FindProxyForURL() { for (;;); }', 'it fails: no answer within 5 s of computing'],
    ['eats memory', 'function FindProxyForURL() { return "x".repeat(2e8); }', 'it fails: out of memory'],
  ])('that %s is an error that names it', async (_, script, reason) => {
    server.on('/bad.pac', status(200, {}, script));
    const pac = `${server.origin}/bad.pac`;
    // The clock moves while the script computes.
    let now = 0;
    const clock = new (class extends PatientClock {
      override monotonic(): number {
        now += 100;
        return now;
      }
    })(0);
    await expect(resolverOf({ pac, clock }).ask(URL_ASKED)).rejects.toMatchObject({
      code: 'PAC_UNUSABLE',
      stage: 'proxy',
      message: `The PAC script ${pac} cannot be used`,
      reason: expect.stringContaining(reason),
    });
  });

  test.each<[string, () => string, string]>([
    ['is not there', () => `${server.origin}/missing.pac`, '404'],
    ['has no server', () => 'http://127.0.0.1:1/proxy.pac', 'ECONNREFUSED'],
    ['is a missing file', () => join(folder.path, 'missing.pac'), 'ENOENT'],
  ])('that %s is an error that says so', async (_, pac, reason) => {
    server.on('/missing.pac', status(404));
    await expect(resolverOf({ pac: pac() }).ask(URL_ASKED)).rejects.toMatchObject({
      code: 'PAC_UNUSABLE',
      reason: expect.stringContaining(reason),
    });
  });

  test('of an unknown kind is a usage error', async () => {
    await expect(resolverOf({ pac: 'ftp://host/proxy.pac' }).ask(URL_ASKED)).rejects.toMatchObject({
      code: 'PAC_LOCATION_INVALID',
      exitCode: 2,
    });
  });
});

describe("P01: the operating system's settings", () => {
  const exceptions = ['*.corp.example', '<local>'];

  test('are read once, and only when nothing else names a proxy', async () => {
    const system = { name: 'Windows Internet Options', https: 'sys:1', exceptions };
    const { said } = resolverOf({ system, env: { NO_PROXY: 'intern.example' } });
    expect(await said('https://intern.example/')).toBe('direct (NO_PROXY)');
    expect(await said('http://127.0.0.1/')).toBe('direct (loopback address)');
    expect(systemReads).toBe(0);
    expect(await said(URL_ASKED)).toBe('http://sys:1 (system settings: Windows Internet Options)');
    expect(await said('https://git.corp.example/')).toBe(
      'direct (system exceptions: Windows Internet Options)',
    );
    expect(systemReads).toBe(1);
  });

  test('may name a PAC script, which counts before its proxies', async () => {
    const pacUrl = `${server.origin}/proxy.pac`;
    const { said } = resolverOf({ system: { pacUrl, https: 'sys:1', exceptions } });
    expect(await said(URL_ASKED)).toBe(`${FIRST} (PAC script ${pacUrl})`);
  });

  test('a script of theirs that cannot be had is a warning, and the proxies count', async () => {
    const pacUrl = `${server.origin}/gone.pac`;
    const { said } = resolverOf({ system: { pacUrl, https: 'sys:1', exceptions } });
    expect(await said(URL_ASKED)).toBe('http://sys:1 (system settings)');
    expect(await said(URL_ASKED)).toBe('http://sys:1 (system settings)');
    expect(reporter.lines).toEqual([
      expect.stringMatching(/^! The PAC script http.*gone\.pac cannot be used \(.*\); going on without it$/),
    ]);
  });
});
