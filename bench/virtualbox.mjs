// VBoxManage calls and wall time of `create` up to and including `startvm`, and of `status`, `env` and `ls` with 1 and 10 machines, on the real VirtualBox of
// test/lab/virtualbox (root, set up). Beside them docker-machine's, where one is on PATH. The guests do not boot: `env` is measured with a stopped machine.
// Usage: node bench/virtualbox.mjs [MACHINES]; ten by default.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { delimiter, join } from 'node:path';

const lab = process.env.VBOX_LAB ?? '/opt/vbox-lab';
const vboxmanage = join(lab, 'bin', 'VBoxManage');
const program = join(import.meta.dirname, '..', 'bin', 'run.cjs');
const machines = Number(process.argv[2] ?? 10);

// A network namespace of its own: adapters and ports are nobody else's.
if (process.env.TMACHINE_BENCH_INSIDE === undefined) {
  const env = { ...process.env, TMACHINE_BENCH_INSIDE: '1' };
  const { status } = spawnSync('unshare', ['--net', process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env,
  });
  process.exit(status ?? 1);
}
spawnSync('ip', ['link', 'set', 'lo', 'up']);

const folder = mkdtempSync('/var/tmp/tmachine-bench-');
const callsFile = join(folder, 'calls');
const image = join(folder, 'boot2docker.iso');
mkdirSync(join(folder, 'bin'));
const shim = `#!/bin/sh\nprintf '%s\\n' "$*" >>'${callsFile}'\nexec '${vboxmanage}' "$@"\n`;
writeFileSync(join(folder, 'bin', 'VBoxManage'), shim, { mode: 0o755 });
writeFileSync(callsFile, '');
writeFileSync(image, unbootableImage());
const env = {
  ...process.env,
  HOME: folder,
  PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
  VBOX_USER_HOME: join(folder, 'virtualbox'),
  VBOX_IPC_SOCKETID: `bench${process.pid}`,
};

/** An ISO 9660 volume with nothing in it. */
function unbootableImage() {
  const sectors = 300;
  const bytes = Buffer.alloc(sectors * 2048);
  bytes.write('\x01CD001\x01', 16 * 2048, 'latin1');
  bytes.write('b2d-v29.0.0'.padEnd(32), 16 * 2048 + 40, 'latin1');
  bytes.writeUInt32LE(sectors, 16 * 2048 + 80);
  bytes.writeUInt16LE(2048, 16 * 2048 + 128);
  bytes.write('\xffCD001\x01', 17 * 2048, 'latin1');
  return bytes;
}

function calls() {
  const lines = readFileSync(callsFile, 'utf8').split('\n').filter(Boolean);
  writeFileSync(callsFile, '');
  return lines;
}

const tools = [
  { name: 'tmachine', words: [process.execPath, program], store: join(folder, 'ours') },
  ...(spawnSync('docker-machine', ['--version']).status === 0
    ? [{ name: 'docker-machine', words: ['docker-machine'], store: join(folder, 'theirs') }]
    : []),
];

/** Runs one command; with `until`, it is interrupted when VBoxManage is called so, and that call has ended. */
async function measure(tool, args, until) {
  calls();
  const begun = performance.now();
  const child = spawn(tool.words[0], [...tool.words.slice(1), ...args], {
    env: { ...env, MACHINE_STORAGE_PATH: tool.store },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  if (until === undefined) {
    await ended;
    return { seconds: (performance.now() - begun) / 1000, calls: calls().length };
  }
  const reached = () =>
    readFileSync(callsFile, 'utf8')
      .split('\n')
      .findIndex((line) => line.startsWith(until));
  while (reached() < 0 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  const isRunning = () =>
    spawnSync(vboxmanage, ['list', 'runningvms'], { env, encoding: 'utf8' }).stdout.includes(
      `"${args.at(-1)}"`,
    );
  while (!isRunning() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  const seconds = (performance.now() - begun) / 1000;
  const count = reached() + 1;
  child.kill('SIGINT');
  await ended;
  return { seconds, calls: count };
}

const rows = [];
const note = (tool, what, { seconds, calls: count }) =>
  rows.push(
    `${tool.name.padEnd(16)}${what.padEnd(34)}${String(count).padStart(6)}${seconds.toFixed(2).padStart(9)}`,
  );

try {
  for (const tool of tools) {
    const create = [
      'create',
      '-d',
      'virtualbox',
      '--virtualbox-no-vtx-check',
      '--virtualbox-memory',
      '256',
      '--virtualbox-boot2docker-url',
      image,
    ];
    for (let n = 1; n <= machines; n++) {
      const made = await measure(tool, [...create, `bench${n}`], 'startvm');
      if (n <= 2) note(tool, `create to startvm, machine ${n}`, made);
      spawnSync(vboxmanage, ['controlvm', `bench${n}`, 'poweroff'], { env });
      if (n !== 1 && n !== machines) continue;
      await measure(tool, ['status', 'bench1']);
      note(tool, `status, ${n} there`, await measure(tool, ['status', 'bench1']));
      note(tool, `env of a stopped one, ${n} there`, await measure(tool, ['env', 'bench1']));
      note(tool, `ls, ${n} there`, await measure(tool, ['ls']));
    }
    for (let n = 1; n <= machines; n++) await measure(tool, ['rm', '-f', '-y', `bench${n}`]);
  }
  console.log(
    `VirtualBox ${spawnSync(vboxmanage, ['--version'], { env, encoding: 'utf8' }).stdout.trim()}, load ${loadavg()[0].toFixed(1)}`,
  );
  console.log(`${'program'.padEnd(16)}${'command'.padEnd(34)}${'calls'.padStart(6)}${'seconds'.padStart(9)}`);
  console.log(rows.join('\n'));
} finally {
  spawnSync(vboxmanage, ['hostonlyif', 'remove', 'vboxnet0'], { env }); // ends its switch and its DHCP server
  spawnSync('sleep', ['6']); // VBoxSVC ends by itself
  rmSync(folder, { recursive: true, force: true });
}
