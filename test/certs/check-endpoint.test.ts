import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createEngineProbe } from '../../src/certs/check-endpoint.js';
import { connectFailure } from '../../src/certs/probe-failure.js';
import { InterruptedError } from '../../src/core/errors.js';
import type { CertifiedKey, EngineAnswer, EngineTarget } from '../../src/core/ports.js';
import { HeldClock } from '../support/fake-clock.js';
import {
  authorityAt,
  closedPort,
  engine,
  type Listener,
  startBlackHole,
  startEngine,
  startOpensslServer,
  startRaw,
} from '../support/tls-faults.js';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const today = authorityAt(NOW);
const NAMES = { organization: 'me.dev', names: ['127.0.0.1', '::1', 'localhost', 'dev'], alsoClient: false };

let authority: CertifiedKey;
let otherAuthority: CertifiedKey;
let client: CertifiedKey;
let server: CertifiedKey;
let clock: HeldClock;
const open: Listener[] = [];

beforeAll(async () => {
  authority = await today.createAuthority('me');
  otherAuthority = await today.createAuthority('me');
  client = await today.issueClient(authority, 'me.<bootstrap>');
  server = await today.issueServer(authority, NAMES);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

async function opened(listener: Promise<Listener>): Promise<number> {
  open.push(await listener);
  return (await listener).port;
}

function target(port: number, changes: Partial<EngineTarget> = {}): EngineTarget {
  return { host: '127.0.0.1', port, ca: authority.certificate, ...client, ...changes };
}

/** One ping whose time does not pass unless the test lets it. */
function ping(
  to: EngineTarget,
  limits: { timeoutMs: number; connectMs?: number; signal?: AbortSignal } = { timeoutMs: 10_000 },
): Promise<EngineAnswer> {
  clock = new HeldClock(NOW);
  return createEngineProbe(clock).ping(to, { signal: new AbortController().signal, ...limits });
}

describe('an engine that answers', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', '127.0.0.1'],
    ['::1', '::1'],
  ])('answers a ping on %s', async (host, address) => {
    const port = await opened(startEngine(server, authority.certificate, engine, address));
    expect(await ping(target(port, { host }))).toEqual({
      ok: true,
      version: undefined,
      clockMs: expect.any(Number),
    });
    expect(clock.sleeping).toBe(0);
  });

  test('tells its versions and the time of its clock', async () => {
    const port = await opened(startEngine(server, authority.certificate));
    const probe = createEngineProbe(new HeldClock(NOW));
    const answer = await probe.version(target(port), {
      timeoutMs: 1000,
      signal: new AbortController().signal,
    });
    expect(answer).toEqual({
      ok: true,
      version: { version: '26.1.5', apiVersion: '1.45', minApiVersion: '1.24' },
      clockMs: expect.any(Number),
    });
  });

  test('OpenSSL, which demands a certificate of the client, accepts ours with TLS 1.3 and 1.2', async () => {
    for (const args of [['-tls1_3'], ['-tls1_2']]) {
      const port = await opened(startOpensslServer(server, authority.certificate, args));
      // s_server answers any path with a page of its own
      expect(await ping(target(port))).toEqual({ ok: true, version: undefined });
    }
  });

  test('many at once are asked with one set of certificates', async () => {
    const port = await opened(startEngine(server, authority.certificate));
    const probe = createEngineProbe(new HeldClock(NOW));
    const options = { timeoutMs: 1000, signal: new AbortController().signal };
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(warning.message);
    process.on('warning', hear);
    try {
      const answers = await Promise.all(Array.from({ length: 50 }, () => probe.ping(target(port), options)));
      expect(answers.every(({ ok }) => ok)).toBe(true);
      await turn();
    } finally {
      process.off('warning', hear);
    }
    expect(warnings).toEqual([]);
  });

  test('P05: proxy settings of the environment are not looked at', async () => {
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = `http://127.0.0.1:${await closedPort()}`;
    try {
      const port = await opened(startEngine(server, authority.certificate));
      expect(await ping(target(port))).toEqual({ ok: true, version: undefined, clockMs: expect.any(Number) });
    } finally {
      names.forEach((name, index) => {
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
      });
    }
  });
});

describe('P21: an engine that cannot be reached', () => {
  test('a port on which nothing listens is port-closed', async () => {
    const port = await closedPort();
    expect(await ping(target(port))).toEqual({
      ok: false,
      fault: 'port-closed',
      detail: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
  });

  test('a name with several addresses that all refuse is port-closed', async () => {
    expect(await ping(target(await closedPort(), { host: 'localhost' }))).toMatchObject({
      fault: 'port-closed',
    });
  });

  test.each([
    ['resets', (socket: { resetAndDestroy(): unknown }) => socket.resetAndDestroy()],
    ['hangs up', (socket: { end(): unknown }) => socket.end()],
  ])(
    'a port forwarder that accepts and then %s, because nothing listens in the guest, is port-closed in always the same words',
    async (_how, cut) => {
      const closed = (port: number) => ({
        ok: false,
        fault: 'port-closed',
        detail: `read tcp 127.0.0.1:${port}: connection reset by peer`,
      });
      const port = await opened(
        startRaw((socket) => {
          socket.once('data', () => cut(socket));
        }),
      );
      expect(await ping(target(port))).toEqual(closed(port));
      const atOnce = await opened(startRaw((socket) => cut(socket)));
      expect(await ping(target(atOnce))).toEqual(closed(atOnce));
    },
  );

  test('an address without a route is no-route', async () => {
    // Linux has no route for TCP to a group of hosts.
    expect(await ping(target(2376, { host: '224.0.0.1' }))).toEqual({
      ok: false,
      fault: 'no-route',
      detail: 'dial tcp 224.0.0.1:2376: connect: network is unreachable',
    });
  });

  test('a name that does not resolve is no-route', async () => {
    expect(await ping(target(2376, { host: 'no-such-host.invalid' }))).toEqual({
      ok: false,
      fault: 'no-route',
      detail: 'dial tcp: lookup no-such-host.invalid: no such host',
    });
  });

  test.each([
    ['EHOSTUNREACH', 'no-route', 'dial tcp [fe80::1]:2376: connect: no route to host'],
    ['ETIMEDOUT', 'timed-out', 'dial tcp [fe80::1]:2376: connect: connection timed out'],
    ['EACCES', 'no-route', 'dial tcp [fe80::1]:2376: EACCES'],
  ])('the system error %s is %s', (code, fault, detail) => {
    const failure = connectFailure(Object.assign(new Error('connect'), { code }), 'fe80::1', 2376);
    expect(failure).toMatchObject({ fault, message: detail });
  });

  test('a host that swallows packets is timed-out as soon as the time for connecting is over', async () => {
    const port = await opened(startBlackHole());
    const answer = ping(target(port), { timeoutMs: 20_000, connectMs: 2_000 });
    while (clock.sleeping < 2) await turn();
    await clock.advance(2_000);
    expect(await answer).toEqual({
      ok: false,
      fault: 'timed-out',
      detail: `dial tcp 127.0.0.1:${port}: i/o timeout`,
    });
    expect(clock.sleeping).toBe(0);
  });

  test('a server that accepts and says nothing is timed-out when the whole time is over', async () => {
    let heard = () => undefined as unknown;
    const helloCame = new Promise((resolve) => {
      heard = () => resolve(undefined);
    });
    const port = await opened(startRaw((socket) => socket.once('data', heard)));
    const answer = ping(target(port), { timeoutMs: 20_000, connectMs: 2_000 });
    await helloCame;
    await clock.advance(19_999);
    await clock.advance(1);
    expect(await answer).toEqual({
      ok: false,
      fault: 'timed-out',
      detail: 'net/http: TLS handshake timeout',
    });
  });

  test('an engine that takes the request and does not answer is timed-out', async () => {
    let asked = () => undefined as unknown;
    const requestCame = new Promise((resolve) => {
      asked = () => resolve(undefined);
    });
    const port = await opened(startEngine(server, authority.certificate, () => asked()));
    const answer = ping(target(port), { timeoutMs: 20_000 });
    await requestCame;
    await clock.advance(20_000);
    expect(await answer).toMatchObject({
      fault: 'timed-out',
      detail: 'net/http: timeout awaiting response headers',
    });
  });

  test('an interruption ends it at once, and is not an answer', async () => {
    const interrupt = new AbortController();
    const port = await opened(
      startRaw((socket) => socket.once('data', () => interrupt.abort(new InterruptedError()))),
    );
    await expect(ping(target(port), { timeoutMs: 20_000, signal: interrupt.signal })).rejects.toThrow(
      InterruptedError,
    );
    expect(clock.sleeping).toBe(0);
  });
});

describe('P21: something that is not an engine with TLS', () => {
  test.each([
    ['an HTTP server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['sshd', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['garbage', '\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007'],
  ])('%s is not-tls', async (_what, text) => {
    const port = await opened(startRaw((socket) => socket.once('data', () => socket.end(text))));
    expect(await ping(target(port))).toEqual({
      ok: false,
      fault: 'not-tls',
      detail: 'tls: first record does not look like a TLS handshake',
    });
  });

  test('a server that knows only old TLS is not-tls, with its refusal', async () => {
    const args = ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'];
    const port = await opened(startOpensslServer(server, authority.certificate, args));
    expect(await ping(target(port))).toEqual({
      ok: false,
      fault: 'not-tls',
      detail: 'remote error: tls: protocol version',
    });
  });
});

describe('P21: certificates that do not fit', () => {
  test('a certificate of another authority is unknown-authority', async () => {
    const foreign = await today.issueServer(otherAuthority, NAMES);
    const port = await opened(startEngine(foreign, authority.certificate));
    const answer = await ping(target(port));
    expect(answer).toMatchObject({ ok: false, fault: 'unknown-authority' });
    expect(answer).toMatchObject({
      detail: expect.stringMatching(/^x509: certificate signed by unknown authority \(/),
    });
  });

  test.each([
    ['127.0.0.1', ['192.168.99.101', 'dev'], 'x509: certificate is valid for 192.168.99.101, not 127.0.0.1'],
    [
      '127.0.0.1',
      ['dev'],
      "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
    ],
    ['localhost', ['dev', 'qa'], 'x509: certificate is valid for dev, qa, not localhost'],
    [
      'localhost',
      ['10.0.0.1'],
      'x509: certificate is not valid for any names, but wanted to match localhost',
    ],
  ])('P20: a certificate for other names than %s (%j) is wrong-name', async (host, names, detail) => {
    const moved = await today.issueServer(authority, { ...NAMES, names });
    const port = await opened(startEngine(moved, authority.certificate));
    expect(await ping(target(port, { host }))).toEqual({ ok: false, fault: 'wrong-name', detail });
  });

  test("P19: the engine's expired certificate is expired, with both dates", async () => {
    const past = authorityAt(NOW - 1090 * DAY_MS);
    const old = await past.issueServer(authority, NAMES);
    const port = await opened(startEngine(old, authority.certificate));
    const { notAfter } = today.describe(old.certificate);
    expect(await ping(target(port))).toEqual({
      ok: false,
      fault: 'expired',
      blame: 'server-certificate',
      detail: `x509: certificate has expired or is not yet valid: current time ${iso(NOW)} is after ${iso(notAfter)}`,
    });
  });

  test('P19: an expired authority is told from an expired engine certificate', async () => {
    const oldAuthority = await authorityAt(NOW - 1090 * DAY_MS).createAuthority('me');
    const port = await opened(
      startEngine(await today.issueServer(oldAuthority, NAMES), oldAuthority.certificate),
    );
    expect(await ping(target(port, { ca: oldAuthority.certificate }))).toMatchObject({
      fault: 'expired',
      blame: 'authority',
    });
  });

  test("P30: a certificate from this clock's future is not-yet-valid", async () => {
    const early = await authorityAt(NOW + 2 * DAY_MS).issueServer(authority, NAMES);
    const port = await opened(startEngine(early, authority.certificate));
    const { notBefore } = today.describe(early.certificate);
    expect(await ping(target(port))).toEqual({
      ok: false,
      fault: 'not-yet-valid',
      blame: 'server-certificate',
      detail: `x509: certificate has expired or is not yet valid: current time ${iso(NOW)} is before ${iso(notBefore)}`,
    });
  });
});

describe('P21: an engine that refuses our certificate', () => {
  // With TLS 1.3 the refusal comes after the handshake, with TLS 1.2 in it.
  describe.each(['-tls1_3', '-tls1_2'])('over %s', (version) => {
    test('because of its authority is client-refused', async () => {
      const port = await opened(startOpensslServer(server, otherAuthority.certificate, [version]));
      expect(await ping(target(port))).toEqual({
        ok: false,
        fault: 'client-refused',
        detail: expect.stringMatching(
          /^remote error: tls: (unknown certificate authority|error decrypting message|bad certificate)$/,
        ),
      });
    });

    test('P19: because it has expired is expired', async () => {
      const old = await authorityAt(NOW - 1090 * DAY_MS).issueClient(authority, 'me.<bootstrap>');
      const port = await opened(startOpensslServer(server, authority.certificate, [version]));
      expect(await ping(target(port, old))).toEqual({
        ok: false,
        fault: 'expired',
        blame: 'client-certificate',
        detail: 'remote error: tls: expired certificate',
      });
    });

    test("P30: as expired, although by this computer's clock it is valid, blames the guest's clock", async () => {
      const later = String(Math.floor((NOW + 2000 * DAY_MS) / 1000));
      const port = await opened(
        startOpensslServer(server, authority.certificate, [version, '-attime', later]),
      );
      expect(await ping(target(port))).toEqual({
        ok: false,
        fault: 'client-refused',
        blame: 'guest-clock',
        detail: 'remote error: tls: expired certificate',
      });
    });
  });

  test('is client-refused also when the refusal is lost in the reset that follows it', async () => {
    const refusing = await opened(startOpensslServer(server, otherAuthority.certificate));
    let connections = 0;
    const port = await opened(
      startRaw((socket) => {
        connections += 1;
        const lossy = connections === 1;
        const behind = connect({ port: refusing, host: '127.0.0.1' });
        behind.on('error', () => undefined);
        let flights = 0;
        socket.on('data', (data) => {
          flights += 1;
          // The client's second flight ends the handshake: what the server says to that never arrives.
          if (!lossy || flights === 1) {
            behind.write(data);
            return;
          }
          socket.resetAndDestroy();
          behind.destroy();
        });
        behind.pipe(socket);
      }),
    );
    expect(await ping(target(port))).toMatchObject({ ok: false, fault: 'client-refused' });
    expect(connections).toBe(2);
  });
});

describe('P21: an engine that is starting or stopping', () => {
  test('answers 503: not-ready with its first line', async () => {
    const port = await opened(
      startEngine(server, authority.certificate, (_, response) =>
        response.writeHead(503).end('starting\nmore'),
      ),
    );
    expect(await ping(target(port))).toEqual({ ok: false, fault: 'not-ready', detail: 'HTTP 503: starting' });
  });

  test('cuts the connection after TLS stands: not-ready', async () => {
    const port = await opened(
      startEngine(server, authority.certificate, (request) => request.socket.destroy()),
    );
    expect(await ping(target(port))).toEqual({ ok: false, fault: 'not-ready', detail: 'EOF' });
  });

  test('cuts the connection in the middle of the answer: not-ready', async () => {
    const port = await opened(
      startEngine(server, authority.certificate, (request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => request.socket.destroy());
      }),
    );
    expect(await ping(target(port))).toMatchObject({ ok: false, fault: 'not-ready' });
  });

  test('cuts the connection in the middle of the handshake: not-ready', async () => {
    const behind = await opened(startEngine(server, authority.certificate));
    const port = await opened(
      startRaw((socket) => {
        const engineSide = connect({ port: behind, host: '127.0.0.1' });
        engineSide.on('error', () => undefined);
        socket.pipe(engineSide);
        engineSide.once('data', (data) => socket.write(data.subarray(0, 20), () => socket.destroy()));
      }),
    );
    expect(await ping(target(port))).toMatchObject({ ok: false, fault: 'not-ready' });
  });

  test.each(['', 'null', '[]', '{"Version":5}', '<html>'])(
    'answers %j for its version: not-ready',
    async (body) => {
      const port = await opened(
        startEngine(server, authority.certificate, (_, response) => response.end(body)),
      );
      const probe = createEngineProbe(new HeldClock(NOW));
      const options = { timeoutMs: 1000, signal: new AbortController().signal };
      expect(await probe.version(target(port), options)).toEqual({
        ok: false,
        fault: 'not-ready',
        detail: 'the answer is not that of a Docker engine',
      });
    },
  );

  test('an answer without end is not read to its end', async () => {
    const port = await opened(
      startEngine(server, authority.certificate, (_, response) => {
        const more = () => {
          while (response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      }),
    );
    expect(await ping(target(port))).toMatchObject({
      fault: 'not-ready',
      detail: expect.stringContaining('too long'),
    });
  });
});

describe('certificates that no connection can use', () => {
  test.each([
    ['an authority that is no certificate', () => ({ ca: 'garbage' })],
    ['an empty authority, which Node would take for the authorities of the system', () => ({ ca: '' })],
    ['a key of another certificate', () => ({ key: server.key })],
    ['a damaged certificate', () => ({ certificate: 'garbage' })],
  ])('%s is a StoreError', async (_what, changes) => {
    const port = await opened(startEngine(server, authority.certificate));
    await expect(ping(target(port, changes()))).rejects.toMatchObject({
      name: 'StoreError',
      code: 'CLIENT_CERTIFICATE_UNUSABLE',
    });
  });
});

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
