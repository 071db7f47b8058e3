// What the tests use of Debian besides Node. A test whose program is missing skips itself and says so.

/**
 * @typedef {object} DebianPackage
 * @property {string} name    of the package
 * @property {string} command that it brings; found on PATH (or in an sbin folder) means: nothing to install
 * @property {string} use     what the tests do with it
 * @property {string} [service] that the package would start, and start again at every boot
 */

const QEMU = [
  { name: 'qemu-system-x86', command: 'qemu-system-x86_64', use: 'virtual machines' },
  { name: 'qemu-utils', command: 'qemu-img', use: 'their disks' },
];

/** @type {readonly DebianPackage[]} For a machine: what `npm run quickstart` installs. Disks are made without qemu-img. */
export const QEMU_PACKAGES = QEMU.filter(({ command }) => command === 'qemu-system-x86_64');

/** @type {readonly DebianPackage[]} About 80 MB to download, half of it emacs with what it wants. */
export const TEST_PACKAGES = [
  { name: 'openssl', command: 'openssl', use: 'reads the certificates we make' },
  { name: 'openssh-client', command: 'ssh-keygen', use: 'reads the keys we make' },
  { name: 'openssh-server', command: 'sshd', use: 'a real SSH server on loopback', service: 'ssh' },
  { name: 'zsh', command: 'zsh', use: 'evaluates what `env` prints' },
  { name: 'fish', command: 'fish', use: 'evaluates what `env` prints' },
  { name: 'tcsh', command: 'tcsh', use: 'evaluates what `env` prints' },
  { name: 'emacs-nox', command: 'emacs', use: 'evaluates what `env` prints' },
  { name: 'busybox-static', command: 'busybox', use: 'runs the guest scripts with the shell of the guest' },
  { name: 'e2fsprogs', command: 'mke2fs', use: 'makes a disk that the guest must not format' },
  { name: 'fdisk', command: 'sfdisk', use: "reads the guest's partition table" },
  { name: 'squid-openssl', command: 'squid', use: 'a real proxy on loopback', service: 'squid' },
  { name: 'tinyproxy-bin', command: 'tinyproxy', use: 'a real proxy on loopback' },
  { name: 'microsocks', command: 'microsocks', use: 'a real SOCKS proxy on loopback' },
  { name: 'curl', command: 'curl', use: 'the downloader for proxies that want NTLM' },
  { name: 'xorriso', command: 'xorriso', use: 'makes small ISO images' },
  { name: 'iproute2', command: 'ss', use: 'sees which ports a machine listens on' },
  ...QEMU,
];

/** @type {readonly DebianPackage[]} What `npm run test:acceptance` needs beside TEST_PACKAGES. */
export const ACCEPTANCE_PACKAGES = [
  {
    name: 'docker-registry',
    command: 'docker-registry',
    use: 'a real registry behind a real proxy',
    service: 'docker-registry',
  },
];
