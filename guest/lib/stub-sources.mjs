// node stub-sources.mjs ROOT STUBS OUT: for every library in STUBS writes OUT/<library>.c and OUT/<library>.map, the source
// of a stand-in that has the names which programs below ROOT import from that library, and does nothing.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importedSymbols, isElf } from './elf.mjs';

function* regularFiles(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* regularFiles(path);
    else if (entry.isFile()) yield path;
  }
}

/** The stand-ins wanted, from the text of stubs.txt: [{library, answer, prefix}]; prefix is null with symbol versions. */
export function parseStubs(text) {
  return [...text.matchAll(/^(lib\S+) (-?\d+)(?: (\S+))?$/gm)].map(([, library, answer, prefix]) => ({
    library,
    answer,
    prefix: prefix ?? null,
  }));
}

/** The C source and the linker's version script of one stand-in, from the symbols that others import of it. */
export function stubSource(symbols, answer) {
  const unique = [...new Map(symbols.map((symbol) => [symbol.name, symbol])).values()].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const source = unique.map(({ name, isData }) =>
    isData ? `void *${name} = 0;` : `long ${name}(void) { return ${answer}; }`,
  );
  const versions = [...new Set(unique.map(({ version }) => version))]
    .filter((version) => version !== null)
    .sort();
  const script = versions.map((version) => {
    const names = unique.filter((symbol) => symbol.version === version).map(({ name }) => `${name};`);
    return `${version} { global: ${names.join(' ')} };`;
  });
  return { source: `${source.join('\n')}\n`, script: `${script.join('\n')}\n` };
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  const [root, stubs, out] = process.argv.slice(2);
  mkdirSync(out, { recursive: true });
  const imported = [...regularFiles(root)]
    .map((path) => readFileSync(path))
    .filter(isElf)
    .flatMap(importedSymbols);
  for (const { library, answer, prefix } of parseStubs(readFileSync(stubs, 'utf8'))) {
    const isOurs = prefix
      ? (symbol) => symbol.library === null && symbol.name.startsWith(prefix)
      : (symbol) => symbol.library === library;
    const { source, script } = stubSource(imported.filter(isOurs), answer);
    writeFileSync(join(out, `${library}.c`), source);
    writeFileSync(join(out, `${library}.map`), script.trim() === '' ? '' : script);
  }
}
