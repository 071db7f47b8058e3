// `npm run quickstart`: from a fresh clone to a container that runs in a machine of its own. Needs Node and nothing else; says
// what it will install, goes ahead as root or with `-y`, and asks before it uses sudo.

import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { QEMU_PACKAGES } from './debian-packages.mjs';
import { isComplete } from './machine-record.mjs';
import { ensureDebianPackages, ensureNpmPackages, isInstalled, run } from './prepare.mjs';

const MACHINE = 'default';
const root = join(import.meta.dirname, '..');
const program = join(root, 'bin', 'run.cjs');
const builtImage = join(root, 'guest', 'out', 'boot2docker.iso');
const store = process.env.MACHINE_STORAGE_PATH || join(homedir(), '.docker', 'machine');
const begun = Date.now();

try {
  await main();
} catch (error) {
  console.error(`\nThe quickstart did not get through: ${error.message}`);
  console.error('What is done stays done: the same command goes on from here.');
  process.exitCode = 1;
}

async function main() {
  const yes = process.argv.includes('-y') || (await mayInstall());
  stage('The packages of this project');
  ensureNpmPackages();
  run(process.execPath, ['node_modules/rolldown/bin/cli.mjs', '-c', 'rolldown.config.mjs']);

  stage('QEMU');
  const missing = ensureDebianPackages(QEMU_PACKAGES, { yes });
  if (missing.length > 0)
    throw new Error(`without ${missing.map(({ name }) => name).join(' and ')} there is no machine`);

  stage('The boot image');
  const image = await bootImage(yes);

  stage(`The machine "${MACHINE}"`);
  if (isComplete(store, MACHINE)) run(process.execPath, [program, 'start', MACHINE]);
  else
    run(process.execPath, [program, 'create', '--driver', 'qemu', '--qemu-boot2docker-url', image, MACHINE]);

  stage('A container');
  runContainer();
  console.log(`\nReady after ${Math.round((Date.now() - begun) / 1000)} s. What to type next:

  alias tmachine='node "${program}"'
  eval "$(tmachine env ${MACHINE})"     # point docker at the machine
  docker run --rm hello echo hi        # ${isInstalled('docker') ? 'the image made above' : 'once a docker client is installed; until then: tmachine ssh default docker run ...'}
  tmachine ls
  tmachine stop ${MACHINE}
  tmachine rm ${MACHINE}                # takes everything back that the machine took`);
}

function stage(title) {
  console.log(`\n== ${title}`);
}

/** Asked once, before anything is installed; as root, or with everything there, nothing has to be asked. */
async function mayInstall() {
  const needed = QEMU_PACKAGES.filter(({ command }) => !isInstalled(command));
  const builds = !existsSync(builtImage) && !existsSync(cachedImage());
  if (process.getuid?.() === 0 || (needed.length === 0 && !builds)) return true;
  console.log('To be installed with sudo apt-get, where missing:');
  for (const { name, use } of needed) console.log(`  ${name}: ${use}`);
  if (builds) console.log('  compiler and image tools: they build the boot image from Debian packages');
  if (!process.stdin.isTTY) {
    console.log('There is nobody to ask here: run it again with  npm run quickstart -- -y');
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y/i.test(await terminal.question('Go ahead? (y/n): '));
  } finally {
    terminal.close();
  }
}

function cachedImage() {
  return join(store, 'cache', 'boot2docker.iso');
}

/** Takes the image that was built here, else builds it; puts it into an empty cache, so that later creates find it by themselves. */
async function bootImage(yes) {
  if (!existsSync(builtImage)) {
    if (existsSync(cachedImage())) return cachedImage();
    console.log(
      'Building it from Debian packages and kernel source: about ten minutes on two cores, the first time.',
    );
    const needsSudo = process.getuid?.() !== 0 && yes;
    run(needsSudo ? 'sudo' : join(root, 'guest', 'build'), needsSudo ? [join(root, 'guest', 'build')] : []);
  }
  const cached = cachedImage();
  if (!existsSync(cached)) {
    await mkdir(join(cached, '..'), { recursive: true, mode: 0o700 });
    const part = `${cached}.${process.pid}.part`;
    try {
      await copyFile(builtImage, part);
      await rename(part, cached);
    } finally {
      await rm(part, { force: true });
    }
  }
  return builtImage;
}

/** The image carries a small root file system: no registry is needed for a first container. */
function runContainer() {
  const here = isInstalled('docker');
  console.log(here ? 'With the docker client of this computer:' : "With the guest's own docker client:");
  const script = here
    ? `eval "$("$1" "$2" env --shell sh ${MACHINE})" && "$1" "$2" ssh ${MACHINE} cat /usr/share/tmachine/rootfs.tar | docker import - hello && docker run --rm hello echo "Hello from a container"`
    : `"$1" "$2" ssh ${MACHINE} 'docker import /usr/share/tmachine/rootfs.tar hello && docker run --rm hello echo "Hello from a container"'`;
  run('sh', ['-c', script, 'sh', process.execPath, program]);
}
