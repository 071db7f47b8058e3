// Adds to package-lock.json the optional packages that npm left out of it because the mirror at hand does not have them:
// binaries for other platforms. Without their lines `npm ci` refuses the whole file, on every platform. To be run after
// `npm install`; a lockfile that is complete stays as it is. The lines have no digest, because nobody here has seen the
// files; npm adds it where it can fetch them.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CPUS = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 's390x', 'riscv64', 'loong64', 'wasm32'];
const SYSTEMS = ['linux', 'darwin', 'win32', 'freebsd', 'android', 'openharmony'];

/** Path and line of each package that is missing in the lockfile's `packages`. */
export function missingOptionalPackages(packages) {
  const missing = new Map();
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isFound(packages, path, name)) missing.set(`node_modules/${name}`, lineFor(name, version, entry));
    }
  }
  return missing;
}

/** As Node looks for it: beside the package that wants it, then outwards. */
function isFound(packages, path, name) {
  for (let folder = `${path}/`; ; folder = folder.replace(/node_modules\/(@[^/]+\/)?[^/]+\/$/, '')) {
    if (packages[`${folder}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
  }
}

/** Such packages are named after what they run on: that keeps npm from fetching them elsewhere. */
function lineFor(name, version, { dev, license }) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${name}@${version} is no exact version`);
  const words = name.split('/').at(-1).split('-');
  const cpu = words.find((word) => CPUS.includes(word));
  const os = words.find((word) => SYSTEMS.includes(word));
  const musl = words.some((word) => word.startsWith('musl'));
  const gnu = words.some((word) => word.startsWith('gnu'));
  return {
    version,
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev === undefined ? {} : { dev }),
    ...(musl || gnu ? { libc: [musl ? 'musl' : 'glibc'] } : {}),
    ...(license === undefined ? {} : { license }),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}

if (process.argv[1] === import.meta.filename) {
  const file = join(import.meta.dirname, '..', 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingOptionalPackages(lock.packages);
  if (missing.size > 0) {
    const all = { ...lock.packages, ...Object.fromEntries(missing) };
    const { '': self, ...rest } = all;
    lock.packages = {
      '': self,
      ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, 'en'))),
    };
    writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  }
  console.log(`package-lock.json: ${missing.size} packages of other platforms added`);
}
