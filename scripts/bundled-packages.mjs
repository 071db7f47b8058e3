// Which npm packages the bundle really contains: those that have a line in it, not those that are installed. As a program
// it prints them, with the files of the bundle, as JSON.

import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { rolldown } from 'rolldown';
import config from '../rolldown.config.mjs';

const root = join(import.meta.dirname, '..');

/**
 * @typedef {object} BundledPackage
 * @property {string} folder   relative to the project, with `/`
 * @property {string} name
 * @property {string} version
 * @property {string | undefined} license SPDX expression
 */

/** Bundles in memory. Resolves to the files of the bundle and, sorted by name, the packages in them. */
export async function bundledPackages() {
  const { output: outputOptions, ...inputOptions } = config;
  const bundle = await rolldown(inputOptions);
  const { output } = await bundle.generate(outputOptions);
  await bundle.close();
  const folders = new Set(output.flatMap((file) => (file.moduleIds ?? []).map(packageFolder)));
  folders.delete(undefined);
  const packages = [...folders]
    .map(readPackage)
    .sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
  return { files: output, packages };
}

/** The innermost package that a module belongs to, or undefined for our own. */
export function packageFolder(moduleId) {
  const path = relative(root, moduleId.replace(/^\0|\?.*$/g, ''))
    .split(sep)
    .join('/');
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

/** @returns {BundledPackage} */
function readPackage(folder) {
  const { name, version, license, licenses } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  );
  // `licenses: [{ type }]` is the form of before 2015; ssh2 still has it.
  return { folder, name, version, license: license ?? licenses?.[0]?.type };
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) {
  const { files, packages } = await bundledPackages();
  const facts = files.map(({ fileName, code, imports, moduleIds }) => ({
    fileName,
    code,
    imports,
    moduleIds,
  }));
  process.stdout.write(JSON.stringify({ files: facts, packages }));
}
