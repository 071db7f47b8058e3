// Brings a fresh clone to the point where its own packages can be used. Needs nothing but Node and npm itself.

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Runs a program in the project's folder with its output shown; throws when it fails. */
export function run(file, args, options = {}) {
  const result = spawnSync(file, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0)
    throw new Error(`${file} ${args.join(' ')} ended with ${result.status ?? result.signal}`);
}

/** Installs the packages of package-lock.json into node_modules, unless exactly those are there. */
export function ensureNpmPackages() {
  if (npmPackagesAreCurrent()) return;
  console.log('Installing the packages of package-lock.json into node_modules (npm ci) ...');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  // npm tells where it is; as a program of its own it is npm.cmd on Windows, which needs a shell.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) run(process.execPath, [npm, ...args]);
  else run('npm', args, { shell: process.platform === 'win32' });
}

/** npm keeps what it installed in node_modules/.package-lock.json; times of files say nothing after a checkout. */
function npmPackagesAreCurrent() {
  const installedList = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return false;
  const installed = JSON.parse(readFileSync(installedList, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.version === entry.version,
  );
}

/** Whether a program is on PATH, or where Debian keeps the administrator's. */
export function isInstalled(command) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Installs what is missing of a list of debian-packages.mjs: as root at once, with `yes` through sudo.
 * Returns what is still missing afterwards, having said why; never fails.
 */
export function ensureDebianPackages(list, { yes }) {
  const missing = list.filter(({ command }) => !isInstalled(command));
  if (missing.length === 0) return [];
  const why = installDebianPackages(missing, yes);
  const left = missing.filter(({ command }) => !isInstalled(command));
  if (left.length > 0) {
    console.log(
      `Not installed: ${left.map(({ name }) => name).join(' ')} (${why ?? 'the installation failed'}).`,
    );
    for (const { name, use } of left) console.log(`  tests are skipped that need ${name}: ${use}`);
  }
  return left;
}

/** Returns why nothing was tried, or undefined. */
function installDebianPackages(packages, yes) {
  const names = packages.map(({ name }) => name);
  if (!isInstalled('apt-get')) return 'there is no apt-get on this system';
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !yes)
    return `run as root, or with -y to let sudo do it: sudo apt-get install ${names.join(' ')}`;
  if (!isRoot && !isInstalled('sudo')) return 'this user is not root, and there is no sudo';

  console.log(`Installing Debian packages: ${names.join(' ')} ...`);
  const asRoot = (file, ...args) => (isRoot ? run(file, args) : run('sudo', [file, ...args]));
  const apt = (...args) => asRoot('env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args);
  const install = () =>
    apt('install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...names);
  const services = packages.flatMap(({ service }) => service ?? []);
  const restore = services.length === 0 ? () => {} : keepFromStarting(services, asRoot);
  try {
    try {
      install();
    } catch {
      // The usual reason is an index that is missing or older than the mirror.
      apt('update', '-q');
      install();
    }
  } catch (error) {
    return error.message;
  } finally {
    restore();
  }
}

/**
 * Debian starts a server when its package is installed, and at every boot. The tests need the program, not an open
 * port: the services are masked, and nothing is started now. Returns the function that allows starting again.
 */
function keepFromStarting(services, asRoot) {
  if (existsSync('/etc/systemd/system')) {
    for (const service of services) {
      const unit = `/etc/systemd/system/${service}.service`;
      if (!existsSync(unit)) asRoot('ln', '-s', '/dev/null', unit);
    }
    const names = services.join(' ');
    console.log(
      `Services that they bring are masked, so that they do not start (systemctl unmask ${names}).`,
    );
  }
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return () => {};
  asRoot('sh', '-c', `printf '#!/bin/sh\\nexit 101\\n' >${policy} && chmod 755 ${policy}`);
  return () => asRoot('rm', '-f', policy);
}

/**
 * A docker client for tests: the one on PATH, else one unpacked from Debian's package into .cache, where nothing of it
 * is installed and no engine of this computer starts. Returns its path, or undefined when there is none to be had.
 */
export function ensureDockerClient() {
  if (isInstalled('docker')) return undefined;
  const client = join(root, '.cache', 'docker');
  if (existsSync(client)) return client;
  if (!isInstalled('apt-get') || !isInstalled('dpkg-deb')) return undefined;
  console.log('Unpacking a docker client into .cache/docker ...');
  const folder = join(root, '.cache', 'docker-package');
  mkdirSync(folder, { recursive: true });
  // From Debian 13 on the client is a package of its own.
  for (const name of ['docker-cli', 'docker.io']) {
    try {
      run('apt-get', ['download', '-q', name], { cwd: folder });
      const file = readdirSync(folder).find((entry) => entry.startsWith(`${name}_`));
      run('dpkg-deb', ['-x', file, '.'], { cwd: folder });
      renameSync(join(folder, 'usr', 'bin', 'docker'), client);
      break;
    } catch {
      // Not a package of this release, or no mirror: the next one, or none.
    }
  }
  rmSync(folder, { recursive: true, force: true });
  return existsSync(client) ? client : undefined;
}
