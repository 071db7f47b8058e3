// What a download through a proxy costs, against curl through the same squid in the same run: throughput by http and https, processor
// time, memory, and how much is fetched again after a cut at 90 %. Needs squid, curl, openssl.
// Usage: node bench/download.mjs [MiB] [rounds]

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const MIB = 1024 * 1024;
/** What a line of 1 Gbit/s carries in ten milliseconds. */
const LINE_BYTES = 1_250_000;

if (process.argv[2] === '--serve') serve(process.argv[3], Number(process.argv[4]));
else await main(Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 9));

/** The upstream, in a process of its own: a boot image of `mebibytes`; its address comes on stdout. */
function serve(directory, mebibytes) {
  const image = makeImage(mebibytes * MIB);
  let isCut = false;
  let sent = 0;
  const answer = (request, response) => {
    if (request.url === '/sent') return response.end(String(sent));
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = image.subarray(start);
    const headers = { 'content-length': rest.length, etag: '"v1"', 'accept-ranges': 'bytes' };
    if (start > 0) headers['content-range'] = `bytes ${start}-${image.length - 1}/${image.length}`;
    response.writeHead(start > 0 ? 206 : 200, headers);
    if (request.url === '/line') return void pace(response, rest);
    if (request.url !== '/cut') return response.end(rest);
    const part = isCut ? rest : rest.subarray(0, Math.floor(image.length * 0.9));
    sent += part.length;
    const cut = !isCut;
    isCut = true;
    response.write(part, () => (cut ? response.socket.destroy() : response.end()));
  };
  const tls = {
    key: readFileSync(join(directory, 'server.key')),
    cert: readFileSync(join(directory, 'server.pem')),
  };
  const plain = createServer(answer).listen(0, '127.0.0.1', () => {
    const secure = createTlsServer(tls, answer).listen(0, '127.0.0.1', () => {
      console.log(JSON.stringify({ http: plain.address().port, https: secure.address().port }));
    });
  });
}

/** As over a line of a gigabit: a piece every ten milliseconds. */
async function pace(response, bytes) {
  const begunAt = performance.now();
  for (let sent = 0; sent < bytes.length; sent += LINE_BYTES) {
    response.write(bytes.subarray(sent, sent + LINE_BYTES));
    const aheadMs = ((sent + LINE_BYTES) / LINE_BYTES) * 10 - (performance.now() - begunAt);
    if (aheadMs > 0) await pause(aheadMs);
  }
  response.end();
}

/** Looks like an ISO 9660 image, and does not compress. */
function makeImage(bytes) {
  const image = Buffer.alloc(bytes);
  for (let offset = 0; offset < bytes; offset += 32) {
    createHash('sha256')
      .update(String(offset % 65536))
      .digest()
      .copy(image, offset);
    if (offset === 65536) break;
  }
  for (let offset = 65536; offset < bytes; offset += 65536) image.copy(image, offset, 0, 65536);
  image.fill(' ', 0x8000, 0x8800);
  image[0x8000] = 1;
  image.write('CD001', 0x8001);
  image.write('b2d-v26.1.5', 0x8028);
  image.writeUInt32LE(bytes / 2048, 0x8050);
  image.writeUInt16LE(2048, 0x8080);
  return image;
}

async function main(mebibytes, rounds) {
  const directory = mkdtempSync(join(tmpdir(), 'tmachine-bench-'));
  // squid, started by root, becomes a user of its own.
  chmodSync(directory, 0o755);
  const children = [];
  try {
    makeCertificates(directory);
    const upstream = start(children, process.execPath, [
      import.meta.filename,
      '--serve',
      directory,
      mebibytes,
    ]);
    const ports = JSON.parse(await firstLine(upstream));
    const proxy = `http://127.0.0.1:${await startSquid(directory, children)}`;
    const program = bundle(directory);
    console.log(
      `${mebibytes} MiB through squid, ${rounds} rounds, Node ${process.version}, ${cpus().length} processors (${cpus()[0].model})\n`,
    );
    const common = { proxy, directory, program, mebibytes, rounds };
    for (const [path, speed] of [
      ['line', 'as over 1 Gbit/s'],
      ['image', 'as fast as loopback goes'],
    ]) {
      const plain = `http://127.0.0.1:${ports.http}/${path}`;
      compare(`http, ${speed}`, { ...common, url: plain, ca: '' });
      const secure = `https://localhost:${ports.https}/${path}`;
      compare(`https, ${speed}`, { ...common, url: secure, ca: join(directory, 'ca.pem') });
    }
    const url = `http://127.0.0.1:${ports.http}`;
    ours({ program, url: `${url}/cut`, proxy, target: join(directory, 'cut.iso'), ca: '' });
    const sent = Number(execFileSync('curl', ['-sS', `${url}/sent`], { encoding: 'utf8' }));
    const again = sent - mebibytes * MIB;
    const most = 0.1 * mebibytes * MIB + MIB;
    console.log(
      `cut at 90 %: ${(again / MIB).toFixed(2)} MiB sent again (at most ${(most / MIB).toFixed(2)}): ${verdict(again <= most)}`,
    );
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await pause(300);
    rmSync(directory, { recursive: true, force: true });
  }
}

function compare(title, { url, proxy, ca, directory, program, mebibytes, rounds }) {
  const target = join(directory, 'ours.iso');
  const copy = join(directory, 'curl.iso');
  const runs = { ours: [], curl: [] };
  for (let round = -1; round < rounds; round++) {
    const both = {
      ours: ours({ program, url, proxy, target, ca }),
      curl: curl({ url, proxy, target: copy, ca }),
    };
    if (round >= 0) for (const name of ['ours', 'curl']) runs[name].push(both[name]);
  }
  const of = (name, what) => median(runs[name].map((run) => run[what]));
  const rate = (seconds) => `${(mebibytes / seconds).toFixed(0)} MiB/s`;
  const ratio = of('curl', 'seconds') / of('ours', 'transferSeconds');
  const checked = of('curl', 'checkedSeconds') / of('ours', 'seconds');
  console.log(title);
  console.log(
    `  throughput        ${rate(of('ours', 'transferSeconds'))}, curl ${rate(of('curl', 'seconds'))}: ratio ${ratio.toFixed(2)} (budget 0.95): ${verdict(ratio >= 0.95)}`,
  );
  console.log(
    `  checked, on disk  ${of('ours', 'seconds').toFixed(3)} s, curl and sha256sum ${of('curl', 'checkedSeconds').toFixed(3)} s: ratio ${checked.toFixed(2)}`,
  );
  console.log(
    `  processor         ${of('ours', 'cpuSeconds').toFixed(3)} s with Node's start and the check, curl ${of('curl', 'cpuSeconds').toFixed(3)} s`,
  );
  console.log(
    `  memory            ${of('ours', 'peakMiB').toFixed(0)} MiB, curl ${curlPeakMiB({ url, proxy, target: copy, ca }).toFixed(0)} MiB\n`,
  );
}

function ours({ program, url, proxy, target, ca }) {
  return JSON.parse(execFileSync(process.execPath, [program, url, proxy, target, ca], { encoding: 'utf8' }));
}

function curl({ url, proxy, target, ca }) {
  const script = [
    'TIMEFORMAT="%3U %3S"',
    `time curl -sS -x "$1" \${3:+--cacert "$3"} -o "$2" -w '%{time_total} ' "$4"`,
  ].join('; ');
  const begun = performance.now();
  const words = ['-c', `{ ${script}; } 2>&1`, 'bash', proxy, target, ca, url];
  const [seconds, user, system] = execFileSync('bash', words, { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
    .map(Number);
  execFileSync('sha256sum', [target]);
  const checkedSeconds = (performance.now() - begun) / 1000;
  return { seconds, checkedSeconds, cpuSeconds: user + system };
}

/** The most memory that curl had at one time: the kernel's own account of the children of a short-lived process. */
function curlPeakMiB({ url, proxy, target, ca }) {
  const script = [
    'import resource, subprocess, sys',
    'subprocess.run(sys.argv[1:], check=True)',
    'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)',
  ].join('; ');
  const words = ['curl', '-sS', '-x', proxy, ...(ca === '' ? [] : ['--cacert', ca]), '-o', target, url];
  try {
    return Number(execFileSync('python3', ['-c', script, ...words], { encoding: 'utf8' })) / 1024;
  } catch {
    return Number.NaN; // no python here: nothing to compare with
  }
}

function verdict(isGood) {
  return isGood ? 'met' : 'missed';
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function bundle(directory) {
  const root = join(import.meta.dirname, '..');
  const rolldown = join(root, 'node_modules', 'rolldown', 'bin', 'cli.mjs');
  const out = join(directory, 'program');
  const words = [
    rolldown,
    join(import.meta.dirname, 'programs', 'fetch.ts'),
    '-d',
    out,
    '--platform',
    'node',
    '--format',
    'esm',
  ];
  execFileSync(process.execPath, words, { cwd: root, stdio: 'ignore' });
  return join(out, 'fetch.js');
}

function makeCertificates(directory) {
  const at = (name) => join(directory, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const make = (words) => execFileSync('openssl', words, { stdio: 'ignore' });
  make(['req', '-x509', ...curve, '-subj', '/O=Bench', '-keyout', at('ca.key'), '-out', at('ca.pem')]);
  make([
    ...['req', '-x509', ...curve, '-subj', '/O=Server', '-addext', 'subjectAltName=DNS:localhost'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
    ...['-keyout', at('server.key'), '-out', at('server.pem')],
  ]);
}

async function startSquid(directory, children) {
  const folder = join(directory, 'squid');
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  const port = 20000 + (process.pid % 20000);
  const lines = [
    `http_port 127.0.0.1:${port}`,
    `pid_filename ${join(folder, 'pid')}`,
    'access_log none',
    `cache_log ${join(folder, 'cache.log')}`,
    `coredump_dir ${folder}`,
    'cache_store_log none',
    'cache deny all',
    'max_filedescriptors 1024',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    'http_access allow all',
  ];
  const configuration = join(folder, 'squid.conf');
  writeFileSync(configuration, `${lines.join('\n')}\n`);
  start(children, '/usr/sbin/squid', ['-N', '-n', `bench${port}`, '-f', configuration]);
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isUp) return port;
    await pause(50);
  }
  throw new Error('squid does not start');
}

function start(children, file, args) {
  const child = spawn(file, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.on('exit', (code) => reject(new Error(`the upstream ended with ${code}`)));
  });
}
