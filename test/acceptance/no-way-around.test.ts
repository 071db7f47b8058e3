import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isoImage } from '../download/doubles.js';
import {
  makeCertificates,
  makeCompanyAuthority,
  missingPrograms,
  type RealProxy,
  startSquid,
} from '../download/real-proxies.js';
import { PROGRAM, runProgram } from '../support/cli.js';
import {
  file,
  type MisbehavingServer,
  portOf,
  startMisbehavingServer,
  status,
} from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
const IMAGE = isoImage();
/** Names that only the proxies can resolve. */
const HOST = 'images.corp.test';
const NAMESPACE = `tm${process.pid}`;
const [OUTSIDE, INSIDE] = [`tmo${process.pid}`.slice(0, 15), `tmi${process.pid}`.slice(0, 15)];
const [PROXY_ADDRESS, OUR_ADDRESS] = ['10.231.77.1', '10.231.77.2'];

const missing = missingPrograms(['squid', 'openssl', 'ip', 'curl']);
const canSplit =
  missing.length === 0 &&
  process.getuid?.() === 0 &&
  (await run('ip', ['netns', 'add', NAMESPACE]).then(
    () => true,
    () => false,
  ));
const describeHere = canSplit ? describe : describe.skip;
if (!canSplit) test.skip(`network namespaces need root and: squid, openssl, curl, iproute2`, () => undefined);

let folder: { path: string; remove: () => Promise<void> };
let plain: MisbehavingServer;
let secure: MisbehavingServer;
let squid: RealProxy;
let intercepting: RealProxy;
let authority: string;
let pac: string;
const scripts = createServer((_, response) =>
  response.end(
    `function FindProxyForURL(url, host) { return "PROXY ${PROXY_ADDRESS}:1; PROXY ${PROXY_ADDRESS}:${squid.port}; DIRECT"; }`,
  ),
);

beforeAll(async () => {
  if (!canSplit) return;
  // The way out of the namespace ends at the proxy's address: no default route, no name server.
  await run('ip', ['link', 'add', OUTSIDE, 'type', 'veth', 'peer', 'name', INSIDE]);
  await run('ip', ['link', 'set', INSIDE, 'netns', NAMESPACE]);
  await run('ip', ['addr', 'add', `${PROXY_ADDRESS}/30`, 'dev', OUTSIDE]);
  await run('ip', ['link', 'set', OUTSIDE, 'up']);
  await run('ip', ['-n', NAMESPACE, 'addr', 'add', `${OUR_ADDRESS}/30`, 'dev', INSIDE]);
  await run('ip', ['-n', NAMESPACE, 'link', 'set', INSIDE, 'up']);
  await run('ip', ['-n', NAMESPACE, 'link', 'set', 'lo', 'up']);

  folder = await temporaryDirectory('no-way-around');
  await chmod(folder.path, 0o755);
  const certificates = await makeCertificates(folder.path, HOST);
  const company = await makeCompanyAuthority(folder.path);
  authority = company.path;
  plain = await startMisbehavingServer();
  secure = await startMisbehavingServer(certificates);
  for (const server of [plain, secure]) server.on('/boot2docker.iso', file({ content: IMAGE, etag: '"v1"' }));
  const api = '/api/v3/repos/o/r/releases/latest';
  plain.on(api, status(200, {}, JSON.stringify({ tag_name: 'v26.1.5' })));
  plain.on('/o/r/releases/download/v26.1.5/boot2docker.iso', file({ content: IMAGE, etag: '"v1"' }));
  const common = { address: PROXY_ADDRESS, hosts: [`127.0.0.1 ${HOST}`] };
  squid = await startSquid(join(folder.path, 'squid'), common);
  const bump = { authorityPath: company.withKeyPath, originCa: join(folder.path, 'ca.pem') };
  intercepting = await startSquid(join(folder.path, 'bump'), { ...common, bump });
  await new Promise<void>((resolve) => scripts.listen(0, PROXY_ADDRESS, resolve));
  pac = `http://${PROXY_ADDRESS}:${portOf(scripts.address())}/proxy.pac`;
});

afterAll(async () => {
  if (!canSplit) return;
  scripts.close();
  await Promise.all([squid?.stop(), intercepting?.stop(), plain?.close(), secure?.close()]);
  await run('ip', ['netns', 'del', NAMESPACE]);
  await run('ip', ['link', 'del', OUTSIDE]).catch(() => undefined); // gone with its peer, as a rule
  await folder?.remove();
});

let stores = 0;

/** `tmachine image pull` with nothing but the proxies within reach. */
async function pull(url: string, flags: readonly string[], env: Record<string, string> = {}) {
  const store = join(folder.path, `store-${stores++}`);
  const words = [
    'netns',
    'exec',
    NAMESPACE,
    process.execPath,
    PROGRAM,
    '-s',
    store,
    ...flags,
    'image',
    'pull',
    url,
  ];
  const outcome = await runProgram('ip', words, { env, timeoutMs: 120_000 });
  const image = await readFile(join(store, 'cache', 'boot2docker.iso')).catch(() => Buffer.alloc(0));
  return { ...outcome, isWhole: sha256(image) === sha256(IMAGE) };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describeHere('P01: in a network whose only way out is the proxy', () => {
  const http = () => `http://${HOST}:${plain.port}/boot2docker.iso`;
  const https = () => `https://${HOST}:${secure.port}/boot2docker.iso`;
  const at = (proxy: RealProxy) => `http://${PROXY_ADDRESS}:${proxy.port}`;

  test.each<[string, () => [string, string[], Record<string, string>?]]>([
    ['--proxy, http', () => [http(), ['--proxy', at(squid)]]],
    [
      '--proxy, https, opened by the proxy',
      () => [https(), ['--proxy', at(intercepting), '--ca-cert', authority]],
    ],
    [
      'HTTPS_PROXY and SSL_CERT_FILE',
      () => [https(), [], { HTTPS_PROXY: at(intercepting), SSL_CERT_FILE: authority }],
    ],
    ['http_proxy alone', () => [http(), [], { http_proxy: at(squid) }]],
    ['--proxy-pac, whose first proxy is dead', () => [http(), ['--proxy-pac', pac]]],
    [
      '--downloader curl',
      () => [https(), ['--proxy', at(intercepting), '--ca-cert', authority, '--downloader', 'curl']],
    ],
    [
      'a releases URL: API and image',
      () => [`http://${HOST}:${plain.port}/api/v3/repos/o/r/releases`, ['--proxy', at(squid)]],
    ],
  ])('an image comes through: %s', async (_, call) => {
    const [url, flags, env] = call();
    const { status: code, isWhole, stderr } = await pull(url, flags, env);
    expect({ code, isWhole, said: code === 0 ? '' : stderr }).toEqual({ code: 0, isWhole: true, said: '' });
  });

  test('without one the cause is said, and what to do', async () => {
    const { status: code, stderr } = await pull(http(), []);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`the name ${HOST}:${plain.port} cannot be resolved`);
    expect(stderr).toContain('set HTTPS_PROXY=http://HOST:PORT');
  });

  test("the company's authority that nobody trusts is named", async () => {
    const { status: code, stderr } = await pull(https(), ['--proxy', at(intercepting)]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('it is signed by "Corp Interception CA (Corp)"');
    expect(stderr).toContain('--ca-cert FILE');
  });
});
