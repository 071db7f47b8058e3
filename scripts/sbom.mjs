// Writes sbom.cdx.json: npm's list of what is installed, reduced to what the bundle contains. The same sources give the
// same bytes: no time, no random serial number.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledPackages } from './bundled-packages.mjs';

const root = join(import.meta.dirname, '..');

const { packages } = await bundledPackages();
const wanted = new Set(packages.map(({ name, version }) => `${name}@${version}`));
const npm = process.env.npm_execpath;
const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
const text = npm?.endsWith('.js')
  ? execFileSync(process.execPath, [npm, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
  : execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
const sbom = JSON.parse(text);

delete sbom.serialNumber;
delete sbom.metadata.timestamp;
// npm calls it after the folder it stands in.
sbom.metadata.component.name = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name;
const self = sbom.metadata.component['bom-ref'];

// The package URL has the package's own name; `name` is the one it is installed under (`overrides` make others).
const nameOf = ({ purl }) => decodeURIComponent(purl.slice('pkg:npm/'.length));
const kept = sbom.components.filter((component) => wanted.has(nameOf(component)));
const references = new Set(kept.map((component) => component['bom-ref']));
sbom.components = kept.map((component) => ({
  ...component,
  name: nameOf(component).replace(/@[^@]+$/, ''),
  scope: 'required',
  // They are development packages for npm, because users get them inside the bundle.
  properties: (component.properties ?? []).filter(({ name }) => name !== 'cdx:npm:package:development'),
}));
sbom.dependencies = [
  { ref: self, dependsOn: [...references].sort() },
  ...sbom.dependencies
    .filter(({ ref }) => references.has(ref))
    .map(({ ref, dependsOn }) => ({
      ref,
      dependsOn: (dependsOn ?? []).filter((target) => references.has(target)),
    })),
];

const listed = new Set(kept.map(nameOf));
const missing = [...wanted].filter((name) => !listed.has(name));
if (missing.length > 0) throw new Error(`package-lock.json does not know ${missing.join(', ')}`);
writeFileSync(join(root, 'sbom.cdx.json'), `${JSON.stringify(sbom, null, 2)}\n`);
console.log(`sbom.cdx.json: ${listed.size} packages`);
