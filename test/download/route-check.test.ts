import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../src/certs/authority.js';
import { checkFromGuest } from '../../src/core/actions/guest-route.js';
import type { MachineRecord } from '../../src/core/machine.js';
import type { GuestShell, Hop } from '../../src/core/ports.js';
import { createRouteChecker } from '../../src/download/route-check.js';
import { openHost } from '../../src/host/open-host.js';
import { runProgram } from '../support/cli.js';
import { machineRecord } from '../support/machine-record.js';
import {
  type MisbehavingServer,
  redirect,
  startMisbehavingServer,
  status,
} from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { recordedReporter, trusting } from './doubles.js';
import {
  freePort,
  makeCertificates,
  missingPrograms,
  type RealProxy,
  startSquid,
  type TestCertificates,
} from './real-proxies.js';

const LOGIN = { user: 'me', password: 'p@ss' };
const missing = missingPrograms(['squid', 'openssl', 'bash']);
const describeHere = missing.length === 0 ? describe : describe.skip;
if (missing.length > 0) test.skip(`these are not installed: ${missing.join(', ')}`, () => undefined);

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let certificates: TestCertificates;
/** A certificate of somebody else. */
let stranger: string;
let server: MisbehavingServer;
let squid: RealProxy;
let url: string;
const withLogin = (password = LOGIN.password) =>
  `http://${LOGIN.user}:${encodeURIComponent(password)}@127.0.0.1:${squid.port}`;
const shape = (hops: readonly Hop[]) => hops.map(({ name, ok, text }) => `${ok ? '' : '! '}${name}: ${text}`);

beforeAll(async () => {
  if (missing.length > 0) return;
  folder = await temporaryDirectory('routes');
  // squid, started by root, becomes a user who has to get in here.
  await chmod(folder.path, 0o755);
  certificates = await makeCertificates(folder.path);
  const { clock, random } = openHost();
  stranger = (await createCertificateAuthority({ clock, random }).createAuthority('Stranger')).certificate;
  server = await startMisbehavingServer(certificates);
  server.on('/v2/', status(401, {}, 'log in'));
  url = `https://localhost:${server.port}/v2/`;
  server.on('/moved', redirect(url));
  squid = await startSquid(join(folder.path, 'squid'), { login: LOGIN });
});
afterAll(async () => {
  await squid?.stop();
  await server?.close();
  await folder?.remove();
});

describeHere('proxy check, from this computer', () => {
  const check = (target: string, proxy = 'direct', trust = trusting(certificates.ca)) =>
    createRouteChecker({
      clock: openHost().clock,
      proxies: {
        resolve: async () => ({ proxy, from: proxy === 'direct' ? 'no proxy set' : 'HTTPS_PROXY' }),
      },
      trust,
    }).check(target, { reporter: recordedReporter(), signal: new AbortController().signal });

  test('each step through a proxy with a login, without its password; an answer of the server is an open way', async () => {
    expect(shape(await check(url, withLogin()))).toEqual([
      `proxy: http://me:***@127.0.0.1:${squid.port} (HTTPS_PROXY) for ${url}`,
      'name: 127.0.0.1 is an address',
      `connection: 127.0.0.1:${squid.port} answers`,
      'certificate: trusted, signed by "Test Authority"',
      'answer: 401',
    ]);
  });

  test('a redirect is followed, with steps of its own', async () => {
    const hops = shape(await check(url.replace('/v2/', '/moved')));
    expect(hops).toHaveLength(10);
    expect(hops[4]).toBe('answer: 302, redirected');
    expect(hops[5]).toBe(`proxy: direct (no proxy set) for ${url}`);
    expect(hops[6]).toMatch(/^name: localhost is (127\.0\.0\.1|::1)$/);
  });

  test('P02: a login that the proxy refuses is the step that fails, with the way on', async () => {
    const hops = await check(url, withLogin('wrong'));
    expect(hops.at(-1)).toMatchObject({
      name: 'answer',
      ok: false,
      text: expect.stringContaining('does not accept the login'),
    });
    expect(hops.at(-1)?.nextSteps).not.toEqual([]);
  });

  test('a proxy that does not listen, a name that nobody knows', async () => {
    const port = await freePort();
    expect((await check(url, `http://127.0.0.1:${port}`)).at(-1)).toMatchObject({
      name: 'connection',
      ok: false,
      text: `127.0.0.1:${port} refuses connections`,
      nextSteps: [expect.stringContaining('which come from HTTPS_PROXY')],
    });
    expect((await check(url, 'http://nowhere.invalid:1')).at(-1)).toMatchObject({
      name: 'name',
      ok: false,
      text: 'the name nowhere.invalid cannot be resolved',
      nextSteps: ['check the name of the proxy, which comes from HTTPS_PROXY'],
    });
  });

  test('P02: where a PAC script names several ways, the next one is looked at as a download goes it', async () => {
    const [dead, other] = [await freePort(), await freePort()];
    const ways = [`http://127.0.0.1:${dead}`, `http://127.0.0.1:${other}`, withLogin()];
    const avoided: string[] = [];
    const hops = await createRouteChecker({
      clock: openHost().clock,
      proxies: {
        resolve: async () => ({ proxy: ways[0] ?? '', from: 'PAC script', failover: ways.slice(1) }),
        avoid: (proxy) => void avoided.push(proxy),
      },
      trust: trusting(certificates.ca),
    }).check(url, { reporter: recordedReporter(), signal: new AbortController().signal });
    const shown = (way = '') => `${way.replace('p%40ss', '***')} (PAC script)`;
    expect(shape(hops).map((line) => line.replace('me:***', '***'))).toEqual([
      `proxy: ${shown(ways[0])} for ${url}`,
      'name: 127.0.0.1 is an address',
      `connection: 127.0.0.1:${dead} refuses connections; going on with ${shown(ways[1])}`,
      `proxy: ${shown(ways[1])} for ${url}`,
      'name: 127.0.0.1 is an address',
      `connection: 127.0.0.1:${other} refuses connections; going on with ${shown(ways[2]).replace('me:***', '***')}`,
      `proxy: ${shown(ways[2]).replace('me:***', '***')} for ${url}`,
      'name: 127.0.0.1 is an address',
      `connection: 127.0.0.1:${squid.port} answers`,
      'certificate: trusted, signed by "Test Authority"',
      'answer: 401',
    ]);
    expect(avoided).toEqual(ways.slice(0, 2));
  });

  test('when no way of a PAC script is open, the last one fails', async () => {
    const [dead, other] = [await freePort(), await freePort()];
    const hops = await createRouteChecker({
      clock: openHost().clock,
      proxies: {
        resolve: async () => ({
          proxy: `http://127.0.0.1:${dead}`,
          from: 'PAC script',
          failover: [`http://127.0.0.1:${other}`],
        }),
      },
    }).check(url, { reporter: recordedReporter(), signal: new AbortController().signal });
    expect(hops.filter(({ ok }) => !ok)).toMatchObject([
      { name: 'connection', text: `127.0.0.1:${other} refuses connections` },
    ]);
  });

  test('asks for one byte: a proxy that looks for viruses would fetch the whole', async () => {
    await check(url);
    expect(server.requests.at(-1)?.headers.range).toBe('bytes=0-0');
  });

  test('P03: an authority that is not trusted is named', async () => {
    const nobody = { named: async () => [], system: async () => [] };
    expect((await check(url, withLogin(), nobody)).at(-1)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('Test Authority'),
    });
  });
});

describeHere('proxy check, from inside a guest', () => {
  /** This computer plays the guest: the same scripts, its own bash and openssl, and an engine with this environment. */
  async function guest(environment: Readonly<Record<string, string>>, authorities: string) {
    const engine = spawn('sleep', ['60'], { env: environment });
    await once(engine, 'spawn');
    const at = (name: string) => join(folder.path, name);
    await writeFile(at('pid'), `${engine.pid}\n`);
    await writeFile(at('list.crt'), authorities);
    await writeFile(at('sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    const shell: GuestShell = {
      run: async (script, args = [], options = {}) => {
        const here = script
          .replaceAll('/var/run/docker.pid', at('pid'))
          .replaceAll('/etc/ssl/certs/ca-certificates.crt', at('list.crt'));
        const {
          status: code,
          stdout,
          stderr,
        } = await runProgram('sh', ['-c', here, 'sh', ...args], {
          env: { PATH: `${folder.path}:/usr/bin:/bin` },
          input: typeof options.input === 'string' ? options.input : '',
        });
        return { status: code ?? 1, stdout, stderr };
      },
    };
    return { shell, end: () => engine.kill() };
  }

  function withEnv(Env: readonly string[]): MachineRecord {
    const record = machineRecord();
    const EngineOptions = { ...record.hostOptions.EngineOptions, Env };
    return { ...record, hostOptions: { ...record.hostOptions, EngineOptions } };
  }

  async function check(
    environment: Readonly<Record<string, string>>,
    authorities = certificates.ca,
    record = withEnv([]),
    target = url,
  ) {
    const { shell, end } = await guest(environment, authorities);
    try {
      return await checkFromGuest(shell, record, target);
    } finally {
      end();
    }
  }

  test('each step of its engine: proxy, connection, tunnel, certificate', async () => {
    expect(shape(await check({ HTTPS_PROXY: withLogin() }))).toEqual([
      `proxy: http://me:***@127.0.0.1:${squid.port} (HTTPS_PROXY of its engine) for https://localhost:${server.port}`,
      `connection: 127.0.0.1:${squid.port} answers`,
      'tunnel: HTTP/1.1 200 Connection established',
      'certificate: trusted, signed by O = Test Authority',
    ]);
  });

  test('of an http URL only the head is asked for, by its proxy or straight', async () => {
    const plain = await startMisbehavingServer();
    const methods: (string | undefined)[] = [];
    plain.on('/big?x=1', (request, response) => {
      methods.push(request.method);
      response.writeHead(200, { 'content-length': 1_000_000_000 }).end();
    });
    const big = `${plain.origin}/big?x=1`;
    try {
      const through = await check({ HTTP_PROXY: withLogin() }, certificates.ca, withEnv([]), big);
      expect(shape(through).at(-1)).toBe('answer: HTTP/1.1 200 OK');
      expect(shape(await check({}, certificates.ca, withEnv([]), big))).toEqual([
        `proxy: direct for ${plain.origin}`,
        `connection: 127.0.0.1:${plain.port} answers`,
        'answer: HTTP/1.1 200 OK',
      ]);
      expect(methods).toEqual(['HEAD', 'HEAD']);
      const refused = await check({ HTTP_PROXY: withLogin('wrong') }, certificates.ca, withEnv([]), big);
      expect(refused.at(-1)).toMatchObject({
        name: 'answer',
        ok: false,
        nextSteps: [expect.stringContaining('USER:PASSWORD')],
      });
    } finally {
      await plain.close();
    }
  });

  test('NO_PROXY counts there too', async () => {
    const hops = shape(await check({ HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'localhost' }));
    expect(hops[0]).toBe(`proxy: direct for https://localhost:${server.port}`);
    expect(hops.at(-1)).toMatch(/^certificate: trusted/);
  });

  test('P04: a proxy that cannot be reached from inside, a refused login: the step that fails says what to do', async () => {
    const port = await freePort();
    expect((await check({ HTTPS_PROXY: `http://127.0.0.1:${port}` })).at(-1)).toMatchObject({
      name: 'connection',
      ok: false,
      text: `127.0.0.1:${port} cannot be reached from inside (Connection refused)`,
    });
    expect((await check({ HTTPS_PROXY: withLogin('wrong') })).at(-1)).toMatchObject({
      name: 'tunnel',
      ok: false,
      text: expect.stringContaining('407'),
      nextSteps: [expect.stringContaining('USER:PASSWORD')],
    });
  });

  test('P03: an authority that the guest does not trust is named, with the command that trusts it', async () => {
    const hops = await check({ HTTPS_PROXY: withLogin() }, stranger);
    expect(hops.at(-1)).toMatchObject({
      name: 'certificate',
      ok: false,
      text: 'the guest does not trust the certificate signed by O = Test Authority',
      nextSteps: [expect.stringContaining('tmachine set dev --ca-cert FILE')],
    });
  });

  test('P06: an engine that runs with other settings than its machine has is told', async () => {
    const hops = await check({}, certificates.ca, withEnv(['HTTPS_PROXY=http://me:secret@proxy.example:1']));
    expect(hops[0]).toMatchObject({
      ok: false,
      text: expect.stringContaining('its engine does not have HTTPS_PROXY as it was set'),
      nextSteps: ['bring its settings there: tmachine provision dev'],
    });
    expect(JSON.stringify(hops)).not.toContain('secret');
  });
});
