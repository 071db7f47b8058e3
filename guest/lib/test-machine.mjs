// A guest in QEMU for guest/test-boot: disk heads, certificates, start, serial log, QMP, SSH, TLS. Only loopback ports, only
// software emulation (a /dev/kvm may be there and hang guests).
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { request } from 'node:https';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MAGIC = 'boot2docker, please format-me';
const SEED_OFFSET = 65536;

/** A ustar archive of {name, content, mode}; content null makes a directory. Ends with two zero blocks. */
export function ustar(entries) {
  const blocks = entries.flatMap(
    ({ name, content, mode, type = content === null ? '5' : '0', link = '' }) => {
      const body = Buffer.from(content ?? '');
      const header = Buffer.alloc(512);
      header.write(name, 0);
      header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
      header.write('0000000\0', 108);
      header.write('0000000\0', 116);
      header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
      header.write('00000000000\0', 136);
      header.write('        ', 148);
      header.write(type, 156);
      header.write(link, 157);
      header.write('ustar\x0000', 257);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
      return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
    },
  );
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** The head of a boot2docker disk for a public key. */
export function diskHead(publicKey) {
  return ustar([
    { name: MAGIC, content: MAGIC, mode: 0 },
    { name: '.ssh', content: null, mode: 0o700 },
    { name: '.ssh/authorized_keys', content: publicKey, mode: 0o644 },
    { name: '.ssh/authorized_keys2', content: publicKey, mode: 0o644 },
  ]).subarray(0, 4096);
}

/** The seed of a disk from {name: content}. */
export function seedArchive(files) {
  return ustar([
    { name: 'tmachine-seed-1', content: 'tmachine-seed-1\n', mode: 0o644 },
    ...Object.entries(files).map(([name, content]) => ({
      name,
      content,
      mode: /key$|key\.pem$|profile$/.test(name) ? 0o600 : 0o644,
    })),
  ]);
}

/** A raw disk file with a head and, if given, a seed. */
export function makeDisk(path, mebibytes, head, seed) {
  const file = openSync(path, 'w');
  ftruncateSync(file, mebibytes * 1024 * 1024);
  if (head) writeSync(file, head, 0, head.length, 0);
  if (seed) writeSync(file, seed, 0, seed.length, SEED_OFFSET);
  closeSync(file);
  return path;
}

/** The first bytes of a file. */
export function readStart(path, length) {
  const file = openSync(path, 'r');
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, 0);
  closeSync(file);
  return bytes;
}

/** SSH key, host key, authority, server and client certificate, made once in a directory by ssh-keygen and openssl. */
export function makeKeys(directory) {
  mkdirSync(directory, { recursive: true });
  const at = (name) => join(directory, name);
  const run = (file, ...args) => execFileSync(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const name of ['id', 'host'])
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', at(name));
  const key = (name) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    at(name),
  ];
  const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem')];
  const common = ['req', '-x509', '-days', '30'];
  run('openssl', ...common, ...key('ca-key.pem'), '-subj', '/O=test', '-out', at('ca.pem'));
  for (const [name, usage] of [
    ['server', 'serverAuth'],
    ['cert', 'clientAuth'],
  ]) {
    const keyName = name === 'cert' ? 'key.pem' : 'server-key.pem';
    const extensions = [
      '-addext',
      `extendedKeyUsage=${usage}`,
      '-addext',
      'subjectAltName=IP:127.0.0.1,DNS:localhost',
    ];
    run(
      'openssl',
      ...common,
      ...key(keyName),
      ...signed,
      ...extensions,
      '-subj',
      `/O=${name}`,
      '-out',
      at(`${name}.pem`),
    );
  }
  const text = (name) => readFileSync(at(name), 'utf8');
  return {
    directory,
    identity: at('id'),
    publicKey: text('id.pub'),
    hostKey: text('host'),
    hostPublicKey: text('host.pub'),
    ca: text('ca.pem'),
    server: text('server.pem'),
    serverKey: text('server-key.pem'),
    client: text('cert.pem'),
    clientKey: text('key.pem'),
  };
}

/** The engine profile that a provisioner writes. */
export function engineProfile() {
  return [
    '',
    "EXTRA_ARGS='",
    '--label provider=qemu',
    '',
    "'",
    'CACERT=/var/lib/boot2docker/ca.pem',
    "DOCKER_HOST='-H tcp://0.0.0.0:2376'",
    'DOCKER_STORAGE=overlay2',
    'DOCKER_TLS=auto',
    'SERVERKEY=/var/lib/boot2docker/server-key.pem',
    'SERVERCERT=/var/lib/boot2docker/server.pem',
    '',
    '',
  ].join('\n');
}

/** The files of a whole seed for these keys. */
export function seedFiles(keys, hostname = 'seeded') {
  return {
    profile: engineProfile(),
    'ca.pem': keys.ca,
    'server.pem': keys.server,
    'server-key.pem': keys.serverKey,
    'etc/hostname': `${hostname}\n`,
    'ssh/ssh_host_ed25519_key': keys.hostKey,
    'ssh/ssh_host_ed25519_key.pub': keys.hostPublicKey,
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Starts QEMU. shape: {disks: [path], iso, cpu, cpus, memoryMiB, machine, bus: virtio|ahci, cards: [model], firmware}.
 * The first card carries the forwarded ports. Returns the running Machine.
 */
export async function startMachine(directory, keys, shape) {
  mkdirSync(directory, { recursive: true });
  const sshPort = await freePort();
  const enginePort = await freePort();
  const serial = join(directory, `serial-${Date.now()}.log`);
  const monitor = join(directory, 'qmp');
  rmSync(monitor, { force: true });
  const forwards = `hostfwd=tcp:127.0.0.1:${sshPort}-:22,hostfwd=tcp:127.0.0.1:${enginePort}-:2376`;
  const args = [
    ...['-accel', 'tcg,thread=multi', '-cpu', shape.cpu ?? 'max', '-smp', String(shape.cpus ?? 2)],
    ...['-m', String(shape.memoryMiB ?? 1024), '-machine', shape.machine ?? 'pc', '-display', 'none'],
    ...['-serial', `file:${serial}`, '-qmp', `unix:${monitor},server,nowait`, '-no-reboot'],
    ...(shape.firmware ? ['-drive', `if=pflash,format=raw,readonly=on,file=${shape.firmware}`] : []),
    ...[
      '-drive',
      `file=${shape.iso},media=cdrom,readonly=on,if=${shape.bus === 'ahci' ? 'none,id=cd' : 'ide'}`,
    ],
    ...(shape.bus === 'ahci' ? ['-device', 'ide-cd,drive=cd,bus=ide.0,bootindex=0'] : ['-boot', 'd']),
    ...shape.disks.flatMap((path, index) => diskArguments(path, index, shape.bus)),
    ...(shape.cards ?? ['virtio-net-pci']).flatMap((model, index) => [
      ...['-netdev', `user,id=n${index},net=10.0.${2 + index}.0/24${index === 0 ? `,${forwards}` : ''}`],
      ...['-device', `${model},netdev=n${index},mac=52:54:00:00:00:0${index + 1}`],
    ]),
  ].filter((word) => !(shape.reboots && word === '-no-reboot'));
  const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  return new Machine(child, { serial, monitor, sshPort, enginePort, keys, directory });
}

function diskArguments(path, index, bus) {
  const drive = ['-drive', `file=${path},format=raw,if=none,id=d${index},cache=unsafe`];
  const device =
    bus === 'ahci' ? `ide-hd,drive=d${index},bus=ide.${index + 1}` : `virtio-blk-pci,drive=d${index}`;
  return [...drive, '-device', device];
}

const running = new Set();

/** Ends every machine that is still running: after a check that failed in the middle. */
export function killMachines() {
  for (const child of running) child.kill('SIGKILL');
}

/** A running QEMU process and the ways into its guest. Times are seconds from the start of QEMU. */
class Machine {
  #child;
  #started = performance.now();
  #errors = '';

  constructor(child, places) {
    this.#child = child;
    Object.assign(this, places);
    running.add(child);
    child.once('exit', () => running.delete(child));
    child.stderr.on('data', (data) => {
      this.#errors += data;
    });
    this.ended = new Promise((resolve) => child.once('exit', () => resolve(this.seconds())));
    this.ended.then(() => {
      this.hasEnded = true;
    });
  }

  seconds() {
    return (performance.now() - this.#started) / 1000;
  }

  /** Processor seconds that QEMU has used so far: what a start costs, whatever else the host is doing. */
  cpuSeconds() {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  serialText() {
    return existsSync(this.serial) ? readFileSync(this.serial, 'latin1') : '';
  }

  /** The lines for the host in the serial log: [{text, uptime}]. */
  evidence() {
    return [...this.serialText().matchAll(/^tmachine-guest: (.*) (\d+\.\d\d)\r?$/gm)].map(
      ([, text, uptime]) => ({
        text,
        uptime: Number(uptime),
      }),
    );
  }

  /** Waits until probe returns a value that is not null; throws with what was awaited and the end of the serial log. */
  async until(what, withinSeconds, probe) {
    const limit = this.seconds() + withinSeconds;
    for (;;) {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false) return value;
      if (this.hasEnded)
        throw new Error(`QEMU ended before ${what}: ${this.#errors}\n${this.serialText().slice(-800)}`);
      if (this.seconds() > limit) {
        throw new Error(
          `${what}: not within ${withinSeconds} s; serial log ends:\n${this.serialText().slice(-800)}`,
        );
      }
      await sleep(50);
    }
  }

  /** Waits for a line of evidence that begins so; returns {text, uptime, seconds}. */
  evidenceOf(beginning, withinSeconds = 120) {
    return this.until(`"${beginning}" on the serial port`, withinSeconds, () => {
      const line = this.evidence().find(({ text }) => text.startsWith(beginning));
      return line ? { ...line, seconds: this.seconds() } : null;
    });
  }

  /** One GET on the engine's port; resolves to {status, body} or null when there is no answer or no trust. */
  get(path, trust = { ca: this.keys.ca, cert: this.keys.client, key: this.keys.clientKey }) {
    return new Promise((resolve) => {
      const query = request(
        { host: '127.0.0.1', port: this.enginePort, path, timeout: 5000, agent: false, ...trust },
        (response) => {
          let body = '';
          response.on('data', (data) => {
            body += data;
          });
          response.on('end', () => resolve({ status: response.statusCode, body }));
          response.on('error', () => resolve(null));
        },
      );
      query.on('timeout', () => query.destroy());
      query.on('error', () => resolve(null));
      query.end();
    });
  }

  /** Waits until /_ping answers over TLS with our certificates; returns seconds. */
  async engineAnswers(withinSeconds = 120, trust = undefined) {
    await this.until('/_ping over TLS', withinSeconds, async () => {
      const answer = await this.get('/_ping', trust);
      return answer?.status === 200 && answer.body === 'OK';
    });
    return this.seconds();
  }

  /** Runs a command in the guest as docker; resolves to {status, stdout, stderr}. input goes to its stdin. */
  ssh(command, input = '') {
    return new Promise((resolve) => {
      const quiet = [
        '-q',
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-o',
        'BatchMode=yes',
      ];
      const limits = ['-o', 'ConnectTimeout=10', '-o', 'ServerAliveInterval=15'];
      const child = spawn(
        'ssh',
        [
          '-F',
          'none',
          ...quiet,
          ...limits,
          '-i',
          this.keys.identity,
          '-p',
          String(this.sshPort),
          'docker@127.0.0.1',
          command,
        ],
        { stdio: ['pipe', 'pipe', 'pipe'] },
      );
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (data) => {
        stdout += data;
      });
      child.stderr.on('data', (data) => {
        stderr += data;
      });
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      child.once('close', (status) => resolve({ status, stdout, stderr }));
    });
  }

  /** Waits until a command works over SSH; returns seconds. */
  async sshAnswers(withinSeconds = 120) {
    await this.until(
      'a command over SSH',
      withinSeconds,
      async () => (await this.ssh('exit 0')).status === 0,
    );
    return this.seconds();
  }

  /** Runs a shell script as root in the guest; throws with its output when it fails. Returns what it printed. */
  async root(script) {
    const result = await this.ssh('sudo sh -e -s', script);
    if (result.status !== 0)
      throw new Error(`in the guest, exit ${result.status}: ${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  /** One QMP command. */
  qmp(execute) {
    return new Promise((resolve, reject) => {
      const socket = createConnection(this.monitor);
      let text = '';
      socket.on('error', reject);
      socket.on('data', (data) => {
        text += data;
        if ((text.match(/"return"/g) ?? []).length === 2) {
          socket.end();
          resolve();
        }
      });
      socket.write(`{"execute":"qmp_capabilities"}\n{"execute":"${execute}"}\n`);
    });
  }

  /** Presses the power button and waits for QEMU to go; returns how many seconds that took. */
  async pressPower(withinSeconds = 60) {
    const before = this.seconds();
    await this.qmp('system_powerdown');
    const limit = sleep(withinSeconds * 1000, null, { ref: false });
    const after = await Promise.race([this.ended, limit]);
    if (after === null) throw new Error(`still running ${withinSeconds} s after the power button`);
    return after - before;
  }

  /** Ends QEMU at once, as a power cut would. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
