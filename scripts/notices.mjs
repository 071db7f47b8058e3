// Writes THIRD-PARTY-NOTICES: the licence texts of what the bundle contains. Fails for a licence that nobody has
// agreed to, and for a package that comes without its text.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledPackages } from './bundled-packages.mjs';

const root = join(import.meta.dirname, '..');

/** Licences that allow what we do (copying and changing inside a larger work) for a notice in return. */
const ACCEPTED = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'Unlicense',
];

/**
 * Packages that state their licence but carry no text of it: whose work it is, by their package.json and README, and
 * the files of scripts/licences that say the terms.
 */
const WITHOUT_TEXT = {
  'proxy-agent-negotiate': { holders: ['Nathan Rajlich <nathan@tootallnate.net>'], terms: ['mit.txt'] },
  // Its WebAssembly file is QuickJS-ng, which contains tables made from Unicode's data.
  'quickjs-wasi': {
    holders: [
      'the authors of quickjs-wasi (github.com/vercel-labs/quickjs-wasi)',
      '2017-2026 Fabrice Bellard',
      '2017-2024 Charlie Gordon',
      '2023-2026 Ben Noordhuis',
      '2023-2026 Saúl Ibarra Corretgé',
    ],
    terms: ['mit.txt', 'unicode-3.txt'],
  },
};

const { packages } = await bundledPackages();
const problems = [];
const sections = packages.map(({ folder, name, version, license }) => {
  if (!ACCEPTED.includes(license)) problems.push(`${name}@${version}: licence ${license}`);
  const texts = licenceTexts(folder, name);
  if (texts.length === 0) problems.push(`${name}@${version}: no licence text in the package`);
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
});
if (problems.length > 0) {
  console.error(`THIRD-PARTY-NOTICES is not written:\n${problems.join('\n')}`);
  process.exit(1);
}

const head = `tmachine contains parts of the following ${packages.length} packages.`;
const line = `\n\n${'-'.repeat(80)}\n\n`;
writeFileSync(join(root, 'THIRD-PARTY-NOTICES'), `${[head, ...sections].join(line)}\n`);
console.log(`THIRD-PARTY-NOTICES: ${packages.length} packages`);

/** Licence and notice texts of a package. */
function licenceTexts(folder, packageName) {
  const stated = WITHOUT_TEXT[packageName];
  if (stated !== undefined) {
    const holders = stated.holders.map((holder) => `Copyright (c) ${holder}`).join('\n');
    const terms = stated.terms.map((name) =>
      readFileSync(join(import.meta.dirname, 'licences', name), 'utf8').trim(),
    );
    return [holders, ...terms];
  }
  return readdirSync(join(root, folder))
    .filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
    .sort()
    .map((name) =>
      readFileSync(join(root, folder, name), 'utf8')
        .replaceAll('\r\n', '\n')
        .trim(),
    );
}
