// node check-elf.mjs ROOT: fails when a program or library below ROOT needs a library or a loader that ROOT lacks.
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isElf, loaderNeeds } from './elf.mjs';

const DEFAULT_DIRECTORIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib'];

/** The path below root that a path of the guest leads to, links followed inside root; null if nothing is there. */
export function resolveInside(root, path, depth = 0) {
  if (depth > 40) return null;
  let current = '/';
  for (const part of path.split('/').filter((word) => word !== '' && word !== '.')) {
    current = part === '..' ? dirname(current) : join(current, part);
    const real = join(root, current);
    const status = lstatSync(real, { throwIfNoEntry: false });
    if (!status) return null;
    if (status.isSymbolicLink()) {
      const target = resolveInside(root, resolve(dirname(current), readlinkSync(real)), depth + 1);
      if (target === null) return null;
      current = target;
    }
  }
  return current;
}

function* regularFiles(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* regularFiles(path);
    else if (entry.isFile()) yield path;
  }
}

/** Sentences about libraries that are missing below root, sorted; none when every program can be loaded. */
export function missingLibraries(root) {
  const complaints = [];
  for (const path of regularFiles(root)) {
    const bytes = readFileSync(path);
    if (!isElf(bytes)) continue;
    const inside = path.slice(root.length);
    const needs = loaderNeeds(bytes);
    if (needs.interpreter && resolveInside(root, needs.interpreter) === null) {
      complaints.push(`${inside} needs the loader ${needs.interpreter}`);
    }
    const directories = needs.directories.map((directory) =>
      directory.replaceAll(/\$\{?ORIGIN\}?/g, dirname(inside)),
    );
    for (const library of needs.libraries) {
      const places = [...directories, ...DEFAULT_DIRECTORIES].map((directory) => join(directory, library));
      if (!places.some((place) => resolveInside(root, place) !== null))
        complaints.push(`${inside} needs ${library}`);
    }
  }
  return complaints.sort();
}

if (process.argv[1] && import.meta.filename === resolve(process.argv[1])) {
  const root = resolve(process.argv[2] ?? '.');
  const complaints = existsSync(root) ? missingLibraries(root) : [`${root} is not there`];
  for (const complaint of complaints) process.stderr.write(`guest: ${complaint}\n`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
