import { execFileSync } from 'node:child_process';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';

interface BundleFile {
  readonly fileName: string;
  readonly code?: string;
  readonly imports?: readonly string[];
  readonly moduleIds?: readonly string[];
}

/** Packages that cost 20 to 60 ms each to load. */
const heavy = ['got', 'proxy-agent', 'quickjs-wasi', 'ssh2', '@peculiar/x509'];
/** Commands that only read the store: what they load is what they may cost. */
const quick = ['status', 'inspect', 'url', 'version'];

let files: readonly BundleFile[];
let packages: readonly { readonly name: string }[];

beforeAll(() => {
  // In a process of its own: the bundler's native part does not accept the arrays of jest's realm.
  const script = fileURLToPath(new URL('../../scripts/bundled-packages.mjs', import.meta.url));
  ({ files, packages } = JSON.parse(
    execFileSync(process.execPath, [script], { encoding: 'utf8', maxBuffer: 1 << 26 }),
  ));
}, 60_000);

/** The file that holds a source file of ours, and all that is loaded with it. */
function loadedWith(source: string): readonly BundleFile[] {
  const start = files.find(({ moduleIds }) => moduleIds?.some((id) => id.endsWith(source)));
  const seen = new Map<string, BundleFile>();
  const visit = (file: BundleFile | undefined): void => {
    if (file === undefined || seen.has(file.fileName)) return;
    seen.set(file.fileName, file);
    for (const name of file.imports ?? []) visit(files.find(({ fileName }) => fileName === name));
  };
  visit(start);
  expect([source, seen.size > 0]).toEqual([source, true]);
  return [...seen.values()];
}

function packagesIn(loaded: readonly BundleFile[]): string[] {
  const ids = loaded.flatMap(({ moduleIds }) => moduleIds ?? []);
  return heavy.filter((name) => ids.some((id) => id.includes(`/node_modules/${name}/`)));
}

describe('the bundle', () => {
  test('contains the heavy packages, each in files of their own', () => {
    expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(heavy));
  });

  test.each(quick)('%s loads none of the heavy packages', (command) => {
    const loaded = [
      ...loadedWith('/src/cli/main.ts'),
      ...loadedWith(`/src/commands/${command}.ts`),
      ...loadedWith('/src/cli/oclif-config.ts'),
      ...loadedWith('/src/cli/compose.ts'),
    ];
    expect(packagesIn(loaded)).toEqual([]);
  });

  test('needs nothing at run time but Node itself', () => {
    const names = files.flatMap(({ code }) =>
      [...(code ?? '').matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name),
    );
    const foreign = names.filter((name) => name?.startsWith('./') !== true && !isBuiltin(name));
    expect(foreign).toEqual([]);
  });

  test('starts with a digest of itself, by which compiled code is kept', () => {
    const main = files.find(({ fileName }) => fileName === 'main.cjs');
    expect(main?.code).toMatch(/^\/\/ build [0-9a-f]{32}\n/);
  });
});

function isBuiltin(name: string | undefined): boolean {
  return name !== undefined && (name.startsWith('node:') || builtinModules.includes(name));
}
