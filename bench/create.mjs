// How long `create` takes on QEMU, and where: seconds between the lines that a user sees. Needs an image: npm run guest:build.
// Usage: node bench/create.mjs [RUNS] [IMAGE]; three runs by default.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const program = join(root, 'bin', 'run.cjs');
const runs = Number(process.argv[2] ?? 3);
const image = process.argv[3] ?? join(root, 'guest', 'out', 'boot2docker.iso');
if (!existsSync(image)) throw new Error(`${image} is missing: npm run guest:build`);

/** A step ends with the line that begins so. */
const STEPS = [
  { name: 'checks, certificates', until: 'Creating machine...' },
  { name: 'image, key, disk', until: '(bench) Starting the VM...' },
  { name: 'start of QEMU', until: '(bench) Waiting for an IP...' },
  { name: 'boot to SSH', until: 'Detecting the provisioner...' },
  { name: 'provisioning', until: 'Checking connection to Docker...' },
  { name: 'engine answers', until: 'Docker is up and running!' },
];

const table = [];
for (let run = 1; run <= runs; run++) table.push(await measure());

const width = Math.max(...STEPS.map(({ name }) => name.length), 20);
const row = (name, values) =>
  console.log(`${name.padEnd(width)}${values.map((it) => it.padStart(8)).join('')}`);
console.log(`create on QEMU, ${image.split('/').at(-1)}, seconds; load before each run in the last line`);
row(
  '',
  table.map((_, index) => `run ${index + 1}`),
);
for (const { name } of STEPS)
  row(
    name,
    table.map((it) => it.steps.get(name)?.toFixed(2) ?? '-'),
  );
row(
  'create, in all',
  table.map((it) => it.total.toFixed(2)),
);
row(
  'stop',
  table.map((it) => it.stop.toFixed(2)),
);
row(
  'start',
  table.map((it) => it.start.toFixed(2)),
);
row(
  'rm',
  table.map((it) => it.rm.toFixed(2)),
);
for (const name of ['init', 'disk ready', 'sshd ready', 'engine ready']) {
  row(
    `guest: ${name}`,
    table.map((it) => it.guest.get(name) ?? '-'),
  );
}
row(
  'load',
  table.map((it) => it.load.toFixed(1)),
);

async function measure() {
  const store = mkdtempSync(join(tmpdir(), 'tmachine-bench-'));
  const load = loadavg()[0];
  const env = { ...process.env, MACHINE_STORAGE_PATH: store };
  const timed = (...args) => {
    const begun = performance.now();
    const { status } = spawnSync(process.execPath, [program, ...args], { env, stdio: 'ignore' });
    if (status !== 0) throw new Error(`tmachine ${args.join(' ')} ended with ${status}`);
    return (performance.now() - begun) / 1000;
  };
  try {
    const { steps, total } = await create(env);
    const guest = guestTimes(store);
    return {
      steps,
      total,
      guest,
      load,
      stop: timed('stop', 'bench'),
      start: timed('start', 'bench'),
      rm: timed('rm', '-y', 'bench'),
    };
  } finally {
    spawnSync(process.execPath, [program, 'rm', '-f', 'bench'], { env, stdio: 'ignore' });
    rmSync(store, { recursive: true, force: true });
  }
}

function create(env) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const args = [program, 'create', '-d', 'qemu', '--qemu-boot2docker-url', image, 'bench'];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const steps = new Map();
    let last = begun;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const step = STEPS.find(({ until }) => line.startsWith(until));
        if (step === undefined) continue;
        const now = performance.now();
        steps.set(step.name, (now - last) / 1000);
        last = now;
      }
    });
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve({ steps, total: (performance.now() - begun) / 1000 });
      else reject(new Error(`create ended with ${status}`));
    });
  });
}

/** Kernel uptime at the guest's own marks, from its serial console. */
function guestTimes(store) {
  const machine = join(store, 'machines', 'bench');
  const console = readdirSync(machine).find((file) => file.endsWith('.console'));
  const text = console === undefined ? '' : readFileSync(join(machine, console), 'utf8');
  return new Map(
    [...text.matchAll(/tmachine-guest: (.+?) (\d+\.\d+)/g)].map((match) => [match[1], match[2]]),
  );
}
