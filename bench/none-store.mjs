// A store with machines of the driver `none`, made by the program itself, and an engine of sorts behind them.

import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { PROGRAM } from './harness.mjs';

/** Makes one machine in an empty store. `url` may be that of an engine that does not exist. */
export function createMachine(store, name, url) {
  const args = ['-s', store, 'create', '--driver', 'none', '--url', url, name];
  execFileSync(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Copies the machine `from` until there are `count` of them: a thousand runs of `create` would take minutes. */
export function multiply(store, from, count) {
  const machines = join(store, 'machines');
  for (let number = 2; number <= count; number += 1) {
    const name = `${from}-${number}`;
    cpSync(join(machines, from), join(machines, name), { recursive: true });
    const file = join(machines, name, 'config.json');
    const record = JSON.parse(readFileSync(file, 'utf8').replaceAll(`machines/${from}`, `machines/${name}`));
    record.Name = name;
    record.Driver.MachineName = name;
    writeFileSync(file, JSON.stringify(record, null, 4));
  }
}

/**
 * Answers as a Docker engine does to `/_ping` and `/version`, on loopback, with a certificate of the store's authority
 * and only for its clients. Resolves to the port and the function that ends it.
 */
export async function serveEngine(store, folder) {
  const certs = join(store, 'certs');
  const files = {
    key: join(folder, 'key.pem'),
    request: join(folder, 'request.pem'),
    cert: join(folder, 'cert.pem'),
  };
  const names = join(folder, 'names');
  writeFileSync(names, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', files.key);
  openssl('req', '-new', '-key', files.key, '-subj', '/O=bench', '-out', files.request);
  const authority = ['-CA', join(certs, 'ca.pem'), '-CAkey', join(certs, 'ca-key.pem'), '-set_serial', '1'];
  openssl(
    'x509',
    '-req',
    '-in',
    files.request,
    ...authority,
    '-days',
    '1',
    '-extfile',
    names,
    '-out',
    files.cert,
  );

  const server = createServer(
    {
      key: readFileSync(files.key),
      cert: readFileSync(files.cert),
      ca: readFileSync(join(certs, 'ca.pem')),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const isVersion = request.url?.endsWith('/version');
      response.setHeader('Content-Type', isVersion ? 'application/json' : 'text/plain');
      response.end(isVersion ? JSON.stringify({ Version: '26.1.5', ApiVersion: '1.45' }) : 'OK');
    },
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, close: () => server.close() };
}
