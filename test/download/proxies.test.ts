import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DownloadError, InterruptedError } from '../../src/core/errors.js';
import type { TrustStore } from '../../src/core/ports.js';
import { chooseProxy } from '../../src/core/proxy.js';
import { type FetchTools, fetchFile } from '../../src/download/fetch-file.js';
import {
  cutAfter,
  file,
  type MisbehavingServer,
  portOf,
  redirect,
  startMisbehavingServer,
  status,
} from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import {
  isoImage,
  noJitter,
  PatientClock,
  type RecordedReporter,
  recordedReporter,
  trusting,
  WatchfulSwaps,
} from './doubles.js';
import {
  freePort,
  makeCertificates,
  missingPrograms,
  type RealProxy,
  startMicrosocks,
  startSquid,
  startTinyproxy,
  type TestCertificates,
} from './real-proxies.js';

const IMAGE = isoImage();
const V1 = { content: IMAGE, etag: '"v1"' };
const DIGEST = createHash('sha256').update(IMAGE).digest('hex');
/** What users have to percent-encode. */
const LOGIN = { user: 'corp\\user', password: 'p@ss:w/1#%&' };
const ENCODED = 'corp%5Cuser:p%40ss%3Aw%2F1%23%25%26';
/** tinyproxy's configuration takes no other characters. */
const PLAIN_LOGIN = { user: 'user', password: 'pa.ss-1' };

const missing = missingPrograms(['squid', 'tinyproxy', 'microsocks', 'openssl']);
const describeHere = missing.length === 0 ? describe : describe.skip;
if (missing.length > 0) test.skip(`these are not installed: ${missing.join(', ')}`, () => undefined);

let folder: { path: string; remove: () => Promise<void> };
let certificates: TestCertificates;
let plain: MisbehavingServer;
let secure: MisbehavingServer;
let squid: RealProxy;
let squidWithLogin: RealProxy;
let squidWithTls: RealProxy;
let tinyproxy: RealProxy;
let socks: RealProxy;
let socksWithLogin: RealProxy;
let clock: PatientClock;
let reporter: RecordedReporter;
let target: string;

beforeAll(async () => {
  if (missing.length > 0) return;
  folder = await temporaryDirectory('proxies');
  // squid, started by root, becomes a user who has to get in here.
  await chmod(folder.path, 0o755);
  certificates = await makeCertificates(folder.path);
  const at = (name: string) => join(folder.path, name);
  plain = await startMisbehavingServer();
  secure = await startMisbehavingServer(certificates);
  squid = await keep(startSquid(at('squid')));
  squidWithLogin = await keep(startSquid(at('squid-login'), { login: LOGIN }));
  squidWithTls = await keep(startSquid(at('squid-tls'), { login: LOGIN, tls: certificates }));
  tinyproxy = await keep(startTinyproxy(at('tinyproxy'), PLAIN_LOGIN));
  socks = await keep(startMicrosocks());
  socksWithLogin = await keep(startMicrosocks(LOGIN));
});

const proxies: RealProxy[] = [];

async function keep(starting: Promise<RealProxy>): Promise<RealProxy> {
  const proxy = await starting;
  proxies.push(proxy);
  return proxy;
}

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await Promise.all([plain?.close(), secure?.close()]);
  await folder?.remove();
});

beforeEach(() => {
  clock = new PatientClock();
  reporter = recordedReporter();
  target = join(folder.path, `image-${expect.getState().currentTestName?.replace(/\W+/g, '-')}.iso`);
  plain.on('/image', file(V1));
  secure.on('/image', file(V1));
});

function fetchThrough(
  proxy: string,
  url: string,
  tools: Partial<FetchTools> = {},
  signal = new AbortController().signal,
) {
  // The hosts here are loopback addresses, which never use a proxy: the resolver is asked about another host.
  const choice = chooseProxy('https://github.com/', { env: { HTTPS_PROXY: proxy } });
  return fetchFile(
    { url, target, isImage: true, digest: DIGEST, reporter, signal },
    {
      clock,
      random: noJitter,
      swaps: new WatchfulSwaps(),
      proxies: { resolve: async () => choice },
      trust: trusting(certificates.ca),
      ...tools,
    },
  );
}

async function failureOf(work: Promise<unknown>): Promise<DownloadError> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof DownloadError)) throw error;
  return error;
}

const wholeImage = async () => (await readFile(target)).equals(IMAGE);

describeHere('P01, P02: a download through', () => {
  test.each<[string, () => string]>([
    ['squid', () => `http://127.0.0.1:${squid.port}`],
    ['squid, without a scheme', () => `127.0.0.1:${squid.port}`],
    ['squid with a login', () => `http://${ENCODED}@127.0.0.1:${squidWithLogin.port}`],
    ['squid with a login over TLS', () => `https://${ENCODED}@localhost:${squidWithTls.port}`],
    ['tinyproxy with a login', () => `http://user:pa.ss-1@127.0.0.1:${tinyproxy.port}`],
    ['a SOCKS server', () => `socks5h://127.0.0.1:${socks.port}`],
    ['a SOCKS server with a login', () => `socks5://${ENCODED}@127.0.0.1:${socksWithLogin.port}`],
  ])('%s works for http and https', async (_, proxy) => {
    await fetchThrough(proxy(), `${plain.origin}/image`);
    expect(await wholeImage()).toBe(true);
    await fetchThrough(proxy(), `${secure.origin}/image`);
    expect(await wholeImage()).toBe(true);
    expect(reporter.lines).toEqual([]);
    expect(reporter.debugLines.join('\n')).not.toMatch(/p@ss|p%40ss|pa\.ss/);
  });

  test('squid goes through squid', async () => {
    await fetchThrough(`127.0.0.1:${squid.port}`, `${secure.origin}/image`);
    expect(await squid.log()).toContain(`CONNECT localhost:${secure.port}`);
    await fetchThrough(`127.0.0.1:${squid.port}`, `${plain.origin}/image`);
    expect(await squid.log()).toContain(`GET ${plain.origin}/image`);
  });

  test.each([
    ['http', () => plain],
    ['https', () => secure],
  ])('P07: squid goes on after a cut, by %s', async (_, origin) => {
    origin().on('/image', cutAfter(IMAGE.length / 2, file(V1)), file(V1));
    await fetchThrough(`http://${ENCODED}@127.0.0.1:${squidWithLogin.port}`, `${origin().origin}/image`);
    expect(await wholeImage()).toBe(true);
    expect(origin().requests.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/);
    expect(reporter.lines).toHaveLength(1);
  });
});

describeHere('P02: a proxy that wants a login', () => {
  const refused = (text: string) => ({
    stage: 'proxy',
    code: 'PROXY_LOGIN',
    message: `Cannot download URL: the proxy http://${text}`,
  });

  test.each([
    ['http', () => plain],
    ['https', () => secure],
  ])('and gets none, by %s', async (_, origin) => {
    const url = `${origin().origin}/image`;
    const error = await failureOf(fetchThrough(`127.0.0.1:${squidWithLogin.port}`, url));
    expect({ ...error, message: error.message.replace(url, 'URL') }).toMatchObject(
      refused(`127.0.0.1:${squidWithLogin.port} (HTTPS_PROXY) wants a login`),
    );
    expect(error.reason).toBe('it answers 407 and offers logins of the kind Basic');
    expect(clock.slept).toEqual([]);
  });

  test.each([
    ['squid', () => `user:wrong@127.0.0.1:${squidWithLogin.port}`],
    ['tinyproxy', () => `user:wrong@127.0.0.1:${tinyproxy.port}`],
  ])('and gets a wrong one: %s', async (_, proxy) => {
    const url = `${secure.origin}/image`;
    const error = await failureOf(fetchThrough(proxy(), url));
    expect({ ...error, message: error.message.replace(url, 'URL') }).toMatchObject(
      refused(`user:***@${proxy().split('@')[1]} (HTTPS_PROXY) does not accept the login`),
    );
  });

  test('in SOCKS and gets a wrong one', async () => {
    const proxy = `socks5h://user:wrong@127.0.0.1:${socksWithLogin.port}`;
    const error = await failureOf(fetchThrough(proxy, `${secure.origin}/image`));
    expect(error).toMatchObject({ stage: 'proxy', code: 'PROXY_LOGIN' });
    expect(error.message).toContain(`socks5h://user:***@127.0.0.1:${socksWithLogin.port}`);
  });

  test('of kinds that we do not speak', async () => {
    const proxy = await startScriptedProxy(
      (socket) =>
        void socket.end(
          'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n',
        ),
    );
    const error = await failureOf(fetchThrough(`127.0.0.1:${proxy.port}`, `${secure.origin}/image`));
    await proxy.close();
    expect(error.reason).toBe('it answers 407 and offers logins of the kind Negotiate, NTLM');
    expect(error.nextSteps).toEqual([
      'run the command again with --downloader curl, which speaks Negotiate, NTLM',
      'or run a local helper that does, such as px or cntlm, and set HTTPS_PROXY to its address',
    ]);
  });
});

describeHere('P01: a proxy that does not do it', () => {
  test.each(['http://forbidden.test/image', 'https://forbidden.test/image'])('forbids %s', async (url) => {
    const error = await failureOf(fetchThrough(`127.0.0.1:${squid.port}`, url));
    expect(error).toMatchObject({
      code: 'FORBIDDEN',
      message: `Cannot download ${url}: the proxy http://127.0.0.1:${squid.port} (HTTPS_PROXY) answers 403 (forbidden)`,
      nextSteps: ['ask whoever runs the proxy to allow forbidden.test'],
    });
  });

  test('finds no such host', async () => {
    const url = 'https://no-such-host.invalid/image';
    const error = await failureOf(fetchThrough(`127.0.0.1:${squid.port}`, url));
    expect(error.code).toBe('SERVER_TROUBLE');
    expect(error.message).toContain(`the proxy http://127.0.0.1:${squid.port} (HTTPS_PROXY) answers 50`);
    expect(error.reason).toMatch(/^the proxy says ERR_[A-Z_]+$/);
  });

  test('of the SOCKS kind is given the name, not an address', async () => {
    const url = 'https://no-such-host.invalid/image';
    const error = await failureOf(fetchThrough(`socks5://127.0.0.1:${socks.port}`, url));
    expect(error).toMatchObject({ stage: 'proxy', code: 'PROXY_REFUSED' });
  });

  test.each(['http', 'https', 'socks5h'])('is not there: %s', async (scheme) => {
    const port = await freePort();
    const error = await failureOf(fetchThrough(`${scheme}://127.0.0.1:${port}`, `${secure.origin}/image`));
    expect(error).toMatchObject({
      stage: 'proxy',
      code: 'UNREACHABLE',
      message: `Cannot download ${secure.origin}/image: the proxy ${scheme}://127.0.0.1:${port} (HTTPS_PROXY) refuses connections`,
      nextSteps: [
        `check the proxy address (HTTPS_PROXY): ${scheme}://127.0.0.1:${port}`,
        `see each step of the way: tmachine proxy check ${secure.origin}`,
      ],
    });
    expect(clock.slept).toEqual([1000, 2000]);
  });

  test.each(['http', 'socks5h'])('has no such name: %s', async (scheme) => {
    const error = await failureOf(
      fetchThrough(`${scheme}://no-such-proxy.invalid:1`, `${secure.origin}/image`),
    );
    expect(error).toMatchObject({ stage: 'proxy', code: 'NAME_NOT_FOUND' });
    expect(error.message).toContain(`the proxy's name in ${scheme}://no-such-proxy.invalid:1`);
  });

  test('does not speak TLS', async () => {
    const error = await failureOf(fetchThrough(`https://127.0.0.1:${squid.port}`, `${secure.origin}/image`));
    expect(error).toMatchObject({
      stage: 'proxy',
      code: 'PROXY_NOT_TLS',
      nextSteps: [`write it with http:// in front: http://127.0.0.1:${squid.port}`],
    });
    expect(error.reason).toMatch(/^write EPROTO .*[^\s]$/);
  });

  test('hangs up', async () => {
    const proxy = await startScriptedProxy((socket) => void socket.end());
    const error = await failureOf(fetchThrough(`127.0.0.1:${proxy.port}`, `${secure.origin}/image`));
    await proxy.close();
    expect(error.message).toBe(
      `Cannot download ${secure.origin}/image: the connection to the proxy http://127.0.0.1:${proxy.port} (HTTPS_PROXY) was cut`,
    );
  });

  test.each(['http', 'https', 'socks5h'])('never answers, and is let go of: %s', async (scheme) => {
    const proxy = await startScriptedProxy(() => undefined);
    const fetched = failureOf(fetchThrough(`${scheme}://127.0.0.1:${proxy.port}`, `${secure.origin}/image`));
    for (let tries = 0; tries < 5; tries++) {
      await proxy.asked(tries + 1);
      await clock.advance(60_000);
    }
    const error = await fetched;
    expect(error).toMatchObject({ stage: 'proxy', code: 'STALLED' });
    await proxy.deserted();
    await proxy.close();
  });
});

describeHere('P02: Ctrl-C', () => {
  test.each(['http', 'https', 'socks5h', 'socks4'])(
    'while a dead proxy is waited for ends at once: %s',
    async (scheme) => {
      const proxy = await startScriptedProxy(() => undefined);
      const interrupt = new AbortController();
      const fetched = fetchThrough(
        `${scheme}://127.0.0.1:${proxy.port}`,
        `${secure.origin}/image`,
        {},
        interrupt.signal,
      ).catch((error: unknown) => error);
      await proxy.asked(1);
      interrupt.abort(new InterruptedError());
      expect(await fetched).toBeInstanceOf(InterruptedError);
      // Nothing keeps the program alive either.
      await proxy.deserted();
      await proxy.close();
    },
  );
});

describeHere('P02: proxies that a PAC script names', () => {
  test.each([
    ['http', () => plain],
    ['https', () => secure],
  ])('are tried in order until one answers, by %s', async (_, origin) => {
    const dead = [await freePort(), await freePort()];
    const answer = `PROXY 127.0.0.1:${dead[0]}; SOCKS5 127.0.0.1:${dead[1]}; PROXY no-such-proxy.invalid:1; PROXY 127.0.0.1:${squid.port}; DIRECT`;
    const choice = chooseProxy('https://github.com/', { env: {}, pac: { answer, script: 'http://wpad/' } });
    const avoided: string[] = [];
    const proxies = { resolve: async () => choice, avoid: (proxy: string) => void avoided.push(proxy) };
    await fetchThrough('', `${origin().origin}/image`, { proxies });
    expect(await wholeImage()).toBe(true);
    expect(avoided).toHaveLength(3);
    expect(await squid.log()).toContain(`:${origin().port}`);
    expect(clock.slept).toEqual([]);
  });

  test('a server that refuses is an answer: the next proxy is not asked', async () => {
    plain.on('/forbidden', status(403));
    const answer = `PROXY 127.0.0.1:${squid.port}; SOCKS5 127.0.0.1:${socks.port}`;
    const choice = chooseProxy('https://github.com/', { env: {}, pac: { answer, script: 'http://wpad/' } });
    const before = plain.requests.length;
    await failureOf(
      fetchThrough('', `${plain.origin}/forbidden`, { proxies: { resolve: async () => choice } }),
    );
    expect(plain.requests.length - before).toBe(1);
  });
});

describeHere('P03: certificates', () => {
  test.each([
    ['http', () => `127.0.0.1:${squid.port}`],
    ['socks5h', () => `socks5h://127.0.0.1:${socks.port}`],
  ])('of an authority that nobody knows say who it is and what to do, by %s', async (_, proxy) => {
    const before = secure.requests.length;
    const error = await failureOf(fetchThrough(proxy(), `${secure.origin}/image`, { trust: undefined }));
    expect(error).toMatchObject({ stage: 'tls', code: 'TLS_UNTRUSTED' });
    const fingerprint = new X509Certificate(certificates.ca).fingerprint256;
    expect(error.reason).toBe(
      `it is signed by "Test Authority", SHA-256 fingerprint ${fingerprint} (self-signed certificate in certificate chain)`,
    );
    expect(error.nextSteps[0]).toContain('run the command again with --ca-cert FILE');
    expect(clock.slept).toEqual([]);
    expect(secure.requests).toHaveLength(before);
  });

  test("that only the system's store knows are found there", async () => {
    let reads = 0;
    const trust: TrustStore = {
      named: async () => [],
      system: async () => {
        reads++;
        return [{ from: 'the system store', certificates: [certificates.ca] }];
      },
    };
    await fetchThrough(`127.0.0.1:${squid.port}`, `${secure.origin}/image`, { trust });
    expect(await wholeImage()).toBe(true);
    expect(reads).toBe(1);
  });

  test('for another name are refused', async () => {
    const url = `https://127.0.0.1:${secure.port}/image`;
    const error = await failureOf(fetchThrough(`127.0.0.1:${squid.port}`, url));
    expect(error).toMatchObject({ stage: 'tls', code: 'TLS_INVALID' });
  });

  test('are not given up by a redirect to plain http', async () => {
    secure.on('/down', redirect(`${plain.origin}/image`));
    const error = await failureOf(fetchThrough(`127.0.0.1:${squid.port}`, `${secure.origin}/down`));
    expect(error.message).toBe(
      `Cannot download ${secure.origin}/down: it is redirected from https to unencrypted http, to 127.0.0.1:${plain.port}`,
    );
  });

  test('where TLS is expected and not spoken', async () => {
    const url = `https://localhost:${plain.port}/image`;
    const error = await failureOf(fetchThrough(`127.0.0.1:${squid.port}`, url));
    expect(error).toMatchObject({ stage: 'tls', code: 'NOT_TLS' });
  });
});

interface ScriptedProxy {
  readonly port: number;
  /** Resolves when `count` connections have been made. */
  asked(count: number): Promise<void>;
  /** Resolves when the other side has closed every connection. */
  deserted(): Promise<void>;
  close(): Promise<void>;
}

/** A proxy that does as it is told once it has been asked something. */
async function startScriptedProxy(answer: (socket: Socket) => void): Promise<ScriptedProxy> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      server.emit('left');
    });
    socket.once('data', () => {
      count++;
      answer(socket);
      server.emit('asked');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    asked: async (wanted) => {
      while (count < wanted) await once(server, 'asked');
    },
    deserted: async () => {
      while (sockets.size > 0) await once(server, 'left');
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
