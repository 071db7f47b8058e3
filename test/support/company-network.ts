import { type ChildProcess, spawnSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../download/real-proxies.js';
import { listens, spawnServer } from './child-server.js';
import { openssl } from './openssl.js';

/** The name of the registry: nobody but the proxy can resolve it, so that nothing goes around the proxy unseen. */
const REGISTRY = 'registry.corp.test';

const LOGIN = { user: 'me', password: 'p@ss:w%rd' };
const USER_INFO = `${LOGIN.user}:${encodeURIComponent(LOGIN.password)}`;
const LOOPBACK = '127.0.0.1';

/** A network as companies have them, on loopback: a proxy that wants a login and breaks TLS open with its own authority, and a registry behind it. */
export interface CompanyNetwork {
  /** `http://USER:PASSWORD@127.0.0.1:PORT` of the proxy. */
  readonly proxy: string;
  /** The same without user and password, which it refuses. */
  readonly proxyWithoutLogin: string;
  /** The same proxy, spoken to over TLS; it leaves the TLS of others alone on this port. */
  readonly tlsProxy: string;
  /** The file that the IT department hands out. */
  readonly authorityPath: string;
  /** `registry.corp.test:PORT`. */
  readonly registry: string;
  /** The same by a name that this computer resolves and a guest does not; undefined where there is none. */
  readonly registryByHostName: string | undefined;
  /** Whoever reaches the registry itself has to trust this. */
  readonly registryAuthorityPath: string;
  /** What the proxy wrote of the requests it served. */
  proxyLog(): Promise<string>;
  stop(): Promise<void>;
}

const CERTIFICATE_MAKER = '/usr/lib/squid/security_file_certgen';

export async function startCompanyNetwork(): Promise<CompanyNetwork> {
  const directory = await mkdtemp(join(tmpdir(), 'corp-network-'));
  const at = (name: string) => join(directory, name);
  // squid, started by root, becomes a user of its own, who has to read and write here.
  await chmod(directory, 0o777);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await openssl([
    ...['req', '-x509', ...curve, '-subj', '/O=Corp/CN=Corp Interception CA'],
    ...['-keyout', at('corp.key'), '-out', at('corp.pem')],
  ]);
  const known = await lookup(hostname(), 4).catch(() => undefined);
  const address = known?.address ?? LOOPBACK;
  await openssl([
    ...['req', '-x509', ...curve, '-subj', '/O=Registry'],
    ...['-addext', `subjectAltName=DNS:${REGISTRY},DNS:${hostname()}`],
    ...['-keyout', at('registry.key'), '-out', at('registry.pem')],
  ]);
  await openssl([
    ...['req', '-x509', ...curve, '-subj', '/O=Corp Proxy', '-CA', at('corp.pem'), '-CAkey', at('corp.key')],
    ...['-addext', 'subjectAltName=IP:10.0.2.2', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', at('proxy.key'), '-out', at('proxy.pem')],
  ]);
  await chmod(at('proxy.key'), 0o644);
  await writeFile(
    at('bump.pem'),
    `${await readFile(at('corp.pem'), 'utf8')}${await readFile(at('corp.key'), 'utf8')}`,
  );
  await chmod(at('bump.pem'), 0o644);
  const [registryPort, proxyPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
  const registry = await startRegistry(directory, address, registryPort);
  const squid = await startInterceptingSquid(directory, { address, proxyPort, tlsPort }).catch(
    async (error: unknown) => {
      await end(registry);
      throw error;
    },
  );
  return {
    proxy: `http://${USER_INFO}@127.0.0.1:${proxyPort}`,
    tlsProxy: `https://${USER_INFO}@127.0.0.1:${tlsPort}`,
    proxyWithoutLogin: `http://127.0.0.1:${proxyPort}`,
    authorityPath: at('corp.pem'),
    registry: `${REGISTRY}:${registryPort}`,
    registryByHostName: known && `${hostname()}:${registryPort}`,
    registryAuthorityPath: at('registry.pem'),
    proxyLog: () => readFile(at('access.log'), 'utf8'),
    stop: async () => {
      await Promise.all([end(squid), end(registry)]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function startRegistry(directory: string, address: string, port: number): Promise<ChildProcess> {
  const configuration = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(directory, 'images') }, delete: { enabled: true } },
    http: {
      addr: `${address}:${port}`,
      tls: { certificate: join(directory, 'registry.pem'), key: join(directory, 'registry.key') },
    },
  };
  // JSON is YAML.
  await writeFile(join(directory, 'registry.yml'), JSON.stringify(configuration));
  return running('/usr/bin/docker-registry', ['serve', join(directory, 'registry.yml')], directory, {
    address,
    port,
  });
}

async function startInterceptingSquid(
  directory: string,
  places: { readonly address: string; readonly proxyPort: number; readonly tlsPort: number },
): Promise<ChildProcess> {
  const { address, proxyPort: port, tlsPort } = places;
  const at = (name: string) => join(directory, name);
  spawnSync(CERTIFICATE_MAKER, ['-c', '-s', at('certificates'), '-M', '4MB']);
  spawnSync('chmod', ['-R', 'a+rwX', at('certificates')]);
  const hash = (await openssl(['passwd', '-apr1', LOGIN.password])).trim();
  await writeFile(at('passwords'), `${LOGIN.user}:${hash}\n`);
  await writeFile(at('hosts'), `${address} ${REGISTRY}\n`);
  const configuration = [
    `http_port 127.0.0.1:${port} ssl-bump tls-cert=${at('bump.pem')} generate-host-certificates=on dynamic_cert_mem_cache_size=4MB`,
    `https_port 127.0.0.1:${tlsPort} tls-cert=${at('proxy.pem')} tls-key=${at('proxy.key')}`,
    `sslcrtd_program ${CERTIFICATE_MAKER} -s ${at('certificates')} -M 4MB`,
    'sslcrtd_children 1 startup=1',
    'ssl_bump bump all',
    `tls_outgoing_options cafile=${at('registry.pem')}`,
    `hosts_file ${at('hosts')}`,
    `pid_filename ${at('squid.pid')}`,
    `access_log stdio:${at('access.log')}`,
    `cache_log ${at('cache.log')}`,
    `coredump_dir ${directory}`,
    'cache_store_log none',
    'cache deny all',
    'max_filedescriptors 1024',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${at('passwords')}`,
    'auth_param basic realm corp',
    'auth_param basic children 1',
    'acl known proxy_auth REQUIRED',
    'http_access allow known',
    'http_access deny all',
  ];
  await writeFile(at('squid.conf'), `${configuration.join('\n')}\n`);
  return running(
    '/usr/sbin/squid',
    ['-N', '-n', `corp${port}`, '-d', '1', '-f', at('squid.conf')],
    directory,
    { address: LOOPBACK, port },
  );
}

async function running(
  file: string,
  args: readonly string[],
  directory: string,
  place: { readonly address: string; readonly port: number },
): Promise<ChildProcess> {
  const child = spawnServer(file, args, { cwd: directory, reads: 'stderr' });
  let words = '';
  child.stderr.on('data', (chunk) => {
    words = `${words}${chunk}`.slice(-2000);
  });
  for (let tries = 0; !(await listens(place.port, place.address)); tries++) {
    if (child.exitCode !== null || tries > 400) throw new Error(`${file} does not run\n${words}`);
    await pause(25);
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  // Not SIGKILL: squid would leave its shared memory behind.
  child.kill('SIGTERM');
  await once(child, 'exit');
}
