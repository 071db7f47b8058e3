import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

const restricted = ['core', 'drivers/qemu', 'provisioners', 'store', 'ssh', 'certs', 'download', 'commands'];
const free = ['host', 'cli'];

/** Ways to reach the outside world, and the rule that catches each. */
const outside: readonly (readonly [rule: string, text: string])[] = [
  ['noRestrictedGlobals', 'export const home = process.env.HOME;'],
  ['plugin', 'export const now = Date.now();'],
  ['plugin', 'export const today = new Date();'],
  ['plugin', 'export const dice = Math.random();'],
  ['noRestrictedGlobals', 'export const later = setTimeout(() => {}, 5);'],
  ['noRestrictedGlobals', 'export const often = setInterval(() => {}, 5);'],
  ['noRestrictedGlobals', 'export const soon = setImmediate(() => {});'],
  ['noRestrictedGlobals', 'export const start = performance.now();'],
  ['noRestrictedGlobals', 'export const page = fetch("http://localhost");'],
  ['noRestrictedGlobals', 'export const id = crypto.randomUUID();'],
  ['noRestrictedImports', "import { randomBytes } from 'node:crypto';\nexport const bytes = randomBytes(4);"],
  ['noRestrictedGlobals', 'console.log("text");'],
];

/** Pure uses of the same names. */
const pure = [
  'export const at = (ms: number): Date => new Date(ms);',
  "import { createHash } from 'node:crypto';\nexport const hash = createHash('sha256');",
];

let folder: string;
let found: { readonly category: string; readonly location: { readonly path: string } }[];

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `${text}\n`);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'outside-world-'));
  for (const name of ['biome.json', 'lint', '.gitignore'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const place of [...restricted, ...free]) {
    outside.forEach(([, text], index) => {
      put(`src/${place}/outside-${index}.ts`, text);
    });
  }
  pure.forEach((text, index) => {
    put(`src/core/pure-${index}.ts`, text);
  });
  put('src/core/any.ts', 'export const x: any = 1;');
  put('src/core/default.ts', 'export default 1;');
  put('src/commands/default.ts', 'export default 1;');
  const program = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', 'src'];
  const result = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' });
  expect(result.status).toBe(1);
  found = JSON.parse(result.stdout).diagnostics;
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The last words of the categories of what was found in a file, such as `noConsole`. */
function rulesThatBit(path: string): string[] {
  return found
    .filter(({ location }) => location.path === path)
    .map(({ category }) => category.replace(/^.*\//, ''));
}

describe('only host and cli reach the outside world', () => {
  const cases = outside.map(([rule, text], index) => ({ rule, text, index }));

  test.each(cases)('$rule: $text', ({ rule, index }) => {
    for (const place of restricted) {
      expect([place, ...rulesThatBit(`src/${place}/outside-${index}.ts`)]).toEqual([place, rule]);
    }
    for (const place of free) {
      expect([place, ...rulesThatBit(`src/${place}/outside-${index}.ts`)]).toEqual([place]);
    }
  });

  test.each(pure.map((text, index) => ({ text, index })))('fine everywhere: $text', ({ index }) => {
    expect(rulesThatBit(`src/core/pure-${index}.ts`)).toEqual([]);
  });
});

test('any is refused', () => {
  expect(rulesThatBit('src/core/any.ts')).toEqual(['noExplicitAny']);
});

test('a default export is refused outside commands', () => {
  expect(rulesThatBit('src/core/default.ts')).toEqual(['noDefaultExport']);
  expect(rulesThatBit('src/commands/default.ts')).toEqual([]);
});
