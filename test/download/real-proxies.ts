import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { listens, spawnServer } from '../support/child-server.js';
import { portOf } from '../support/misbehaving-server.js';
import { openssl } from '../support/openssl.js';

/** Where Debian puts programs; users often have no sbin in their PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];

function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Programs of Debian's that these tests need and that are not here. */
export function missingPrograms(names: readonly string[]): string[] {
  return names.filter((name) => findProgram(name) === undefined);
}

/** A proxy program of Debian's, running on loopback for this test alone. */
export interface RealProxy {
  readonly port: number;
  /** What it wrote of the requests it served. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** A key pair of a small authority of ours and one for a host signed by it. Files and PEM text. */
export interface TestCertificates {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
  readonly keyPath: string;
  readonly certPath: string;
}

export async function makeCertificates(directory: string, host = 'localhost'): Promise<TestCertificates> {
  const at = (name: string) => join(directory, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await openssl([
    'req',
    '-x509',
    ...curve,
    '-subj',
    '/O=Test Authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  ]);
  await openssl([
    ...['req', '-x509', ...curve, '-subj', '/O=Test', '-addext', `subjectAltName=DNS:${host}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
    ...['-keyout', at('server.key'), '-out', at('server.pem')],
  ]);
  await chmod(at('server.key'), 0o644);
  return {
    ca: await readFile(at('ca.pem'), 'utf8'),
    key: await readFile(at('server.key'), 'utf8'),
    cert: await readFile(at('server.pem'), 'utf8'),
    keyPath: at('server.key'),
    certPath: at('server.pem'),
  };
}

export interface SquidOptions {
  readonly login?: Login;
  readonly tls?: TestCertificates;
  readonly ntlm?: boolean;
  /** Opens TLS: signs by the authority in `authorityPath` (certificate and key), and trusts `originCa` itself. */
  readonly bump?: { readonly authorityPath: string; readonly originCa: string };
  /** Default 127.0.0.1. */
  readonly address?: string;
  /** Lines as in /etc/hosts: names that nobody else can resolve. */
  readonly hosts?: readonly string[];
}

/** squid's maker of certificates, for `bump`. */
export const CERTIFICATE_MAKER = '/usr/lib/squid/security_file_certgen';

/** squid, with Basic auth when `login` is given, NTLM when `ntlm` is, and speaking TLS to its clients when `tls` is. Refuses `forbidden.test`. */
export async function startSquid(directory: string, options: SquidOptions = {}): Promise<RealProxy> {
  const port = await freePort();
  // squid, started by root, becomes a user of its own, who has to write here.
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o777);
  const address = `${options.address ?? '127.0.0.1'}:${port}`;
  const listen =
    options.bump !== undefined
      ? await interception(directory, address, options.bump)
      : options.tls === undefined
        ? [`http_port ${address}`]
        : [`https_port ${address} cert=${options.tls.certPath} key=${options.tls.keyPath}`];
  const hosts = join(directory, 'hosts');
  await writeFile(hosts, ['127.0.0.1 localhost', ...(options.hosts ?? []), ''].join('\n'));
  const access = options.ntlm
    ? [
        // Takes any user and password, after the three messages of NTLM.
        'auth_param ntlm program /usr/lib/squid/ntlm_fake_auth',
        'auth_param ntlm children 2',
        'acl known proxy_auth REQUIRED',
        'http_access allow known',
        'http_access deny all',
      ]
    : options.login === undefined
      ? ['http_access allow all']
      : [
          `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${join(directory, 'passwords')}`,
          'auth_param basic realm test',
          'auth_param basic children 1',
          'acl known proxy_auth REQUIRED',
          'http_access allow known',
          'http_access deny all',
        ];
  if (options.login !== undefined) {
    const { user, password } = options.login;
    const hash = (await openssl(['passwd', '-apr1', password])).trim();
    await writeFile(join(directory, 'passwords'), `${user}:${hash}\n`);
  }
  const log = join(directory, 'access.log');
  const configuration = [
    ...listen,
    `hosts_file ${hosts}`,
    `pid_filename ${join(directory, 'pid')}`,
    `access_log stdio:${log}`,
    `cache_log ${join(directory, 'cache.log')}`,
    `coredump_dir ${directory}`,
    'cache_store_log none',
    'cache deny all',
    'max_filedescriptors 1024',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    'acl forbidden dstdomain forbidden.test',
    'http_access deny forbidden',
    ...access,
  ];
  const path = join(directory, 'squid.conf');
  await writeFile(path, `${configuration.join('\n')}\n`);
  return running(
    spawnServer(findProgram('squid') ?? 'squid', ['-N', '-n', `tmachine${port}`, '-d', '1', '-f', path], {
      cwd: directory,
      reads: 'stderr',
    }),
    port,
    log,
    options.address,
  );
}

async function interception(
  directory: string,
  address: string,
  { authorityPath, originCa }: { readonly authorityPath: string; readonly originCa: string },
): Promise<string[]> {
  const made = join(directory, 'certificates');
  await promisify(execFile)(CERTIFICATE_MAKER, ['-c', '-s', made, '-M', '4MB']);
  await promisify(execFile)('chmod', ['-R', 'a+rwX', made]);
  return [
    `http_port ${address} ssl-bump tls-cert=${authorityPath} generate-host-certificates=on dynamic_cert_mem_cache_size=4MB`,
    `sslcrtd_program ${CERTIFICATE_MAKER} -s ${made} -M 4MB`,
    'sslcrtd_children 1 startup=1',
    'ssl_bump bump all',
    `tls_outgoing_options cafile=${originCa}`,
  ];
}

/** An authority of its own, as companies have one for their proxy: a file to hand out, and one with its key for squid. */
export async function makeCompanyAuthority(
  directory: string,
): Promise<{ readonly path: string; readonly withKeyPath: string; readonly pem: string }> {
  const at = (name: string) => join(directory, name);
  await openssl([
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/O=Corp/CN=Corp Interception CA', '-keyout', at('corp.key'), '-out', at('corp.pem')],
  ]);
  const pem = await readFile(at('corp.pem'), 'utf8');
  await writeFile(at('corp-both.pem'), `${pem}${await readFile(at('corp.key'), 'utf8')}`);
  return { path: at('corp.pem'), withKeyPath: at('corp-both.pem'), pem };
}

/** tinyproxy, with Basic auth when `login` is given. */
export async function startTinyproxy(directory: string, login?: Login): Promise<RealProxy> {
  const port = await freePort();
  await mkdir(directory, { recursive: true });
  const log = join(directory, 'tinyproxy.log');
  const configuration = [
    `Port ${port}`,
    'Listen 127.0.0.1',
    'Timeout 60',
    'MaxClients 10',
    `LogFile "${log}"`,
    'LogLevel Connect',
    `PidFile "${join(directory, 'pid')}"`,
    ...(login === undefined ? [] : [`BasicAuth ${login.user} ${login.password}`]),
  ];
  const path = join(directory, 'tinyproxy.conf');
  await writeFile(path, `${configuration.join('\n')}\n`);
  return running(spawnServer('tinyproxy', ['-d', '-c', path], { reads: 'stderr' }), port, log);
}

/** microsocks, a SOCKS5 server, with a login when one is given. */
export async function startMicrosocks(login?: Login): Promise<RealProxy> {
  const port = await freePort();
  const auth = login === undefined ? [] : ['-u', login.user, '-P', login.password];
  const child = spawnServer('microsocks', ['-i', '127.0.0.1', '-p', String(port), ...auth], {
    reads: 'stderr',
  });
  return running(child, port, undefined);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server.address());
  server.close();
  await once(server, 'close');
  return port;
}

async function running(
  child: ChildProcess,
  port: number,
  log: string | undefined,
  address = '127.0.0.1',
): Promise<RealProxy> {
  let ended: string | undefined;
  let words = '';
  child.stderr?.on('data', (chunk) => {
    words = `${words}${chunk}`.slice(-2000);
  });
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code) => {
    ended ??= `exit code ${code}`;
  });
  for (let tries = 0; !(await listens(port, address)); tries++) {
    if (ended !== undefined || tries > 400)
      throw new Error(`${child.spawnfile} does not run: ${ended}\n${words}`);
    await pause(25);
  }
  return {
    port,
    log: async () => (log === undefined ? '' : readFile(log, 'utf8')),
    stop: async () => {
      if (ended !== undefined) return;
      // Not SIGKILL: squid would leave its shared memory behind.
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
