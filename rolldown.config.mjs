import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Packages that the code names and that never run here. Each becomes a module that throws when it is loaded
 * or used, so a wrong guess fails in the tests and not silently.
 */
const ABSENT = {
  // ssh2 tries it inside try/catch; it is a native speed-up, and a bundle cannot carry a *.node file.
  'cpu-features': 'throws',
  // proxy-agent tries it for Negotiate; native as well.
  kerberos: 'throws',
  // oclif loads these for plugins, for globbing command files and for its own help; we have none of the three
  // (src/cli/oclif-config.ts). A tenth of the start-up time.
  ejs: 'empty',
  lilconfig: 'empty',
  minimatch: 'empty',
  tinyglobby: 'empty',
  typescript: 'empty',
};

const absentPackages = {
  name: 'absent-packages',
  resolveId(id) {
    if (id.endsWith('.node')) return '\0absent:throws';
    const kind = Object.hasOwn(ABSENT, id) ? ABSENT[id] : undefined;
    return kind === undefined ? null : `\0absent:${kind}`;
  },
  load(id) {
    if (id === '\0absent:throws') return "throw new Error('not part of the bundle');";
    if (id === '\0absent:empty') return 'export default {};';
    return null;
  },
};

/** `import text from 'FILE?raw'`: see src/cli/raw-text.d.ts. */
const rawText = {
  name: 'raw-text',
  async resolveId(id, importer) {
    if (!id.endsWith('?raw')) return null;
    const file = await this.resolve(id.slice(0, -'?raw'.length), importer);
    return file === null ? null : `${file.id}?raw`;
  },
  load(id) {
    if (!id.endsWith('?raw')) return null;
    const file = id.slice(0, -'?raw'.length);
    this.addWatchFile(file);
    return { code: `export default ${JSON.stringify(readFileSync(file, 'utf8'))};`, moduleType: 'js' };
  },
};

/** proxy-agent runs PAC files in QuickJS, which reads its WebAssembly file from beside its package: here, from dist. */
const quickJsFile = {
  name: 'quickjs-file',
  transform: {
    filter: { id: /quickjs-wasi[/\\]dist[/\\]index\.js$/ },
    handler(code, id) {
      const there = "new URL('../quickjs.wasm', import.meta.url)";
      if (!code.includes(there)) this.error(`${id} does not name quickjs.wasm as expected`);
      const source = readFileSync(join(dirname(id), '..', 'quickjs.wasm'));
      this.emitFile({ type: 'asset', fileName: 'quickjs.wasm', source });
      return { code: code.replace(there, "new URL('./quickjs.wasm', import.meta.url)") };
    },
  },
};

/**
 * Modules of Node that take milliseconds to load (node:https with all that it needs: seven) are loaded when something of
 * them is first used, not when a file that names them is. In a bundle every use is a property of one variable, so that
 * variable can be a Proxy. Not for default and namespace imports: those are copied from at once (`__toESM`). Of packages
 * in CommonJS only oclif is treated so; others may do with the object what a Proxy does not answer.
 */
const SLOW =
  'child_process|crypto|dgram|dns|http|http2|https|net|perf_hooks|readline|readline/promises|tls|zlib';
const NAMES_SLOW = new RegExp(
  `^([ \\t]*)(?:let|const) (node_\\w+) = require\\(['"](node:(?:${SLOW}))['"]\\);$`,
  'gm',
);

function loadLater(code) {
  const text = code.replace(NAMES_SLOW, (whole, indent, variable, name) =>
    code.includes(`__toESM(${variable}`)
      ? whole
      : `${indent}const ${variable} = new Proxy({}, { get: (_, key) => require("${name}")[key] });`,
  );
  return text === code ? null : { code: text };
}

const lazyBuiltins = {
  name: 'lazy-builtins',
  transform: { filter: { id: /@oclif[\\/]core[\\/]lib[\\/]/ }, handler: loadLater },
  renderChunk: loadLater,
};

/**
 * Puts a digest of all files into the first line of main.cjs: bin/run.cjs keeps compiled code under that name.
 */
const buildDigest = {
  name: 'build-digest',
  generateBundle(_options, bundle) {
    const digest = createHash('sha256');
    for (const name of Object.keys(bundle).sort()) digest.update(`${name}\0${bundle[name].code ?? ''}\0`);
    const main = bundle['main.cjs'];
    main.code = `// build ${digest.digest('hex').slice(0, 32)}\n${main.code}`;
  },
};

/** The commit, or `source` outside a git checkout (a tarball, a machine without git). */
function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'source';
  }
}

export default {
  input: { main: 'src/cli/main.ts' },
  cwd: import.meta.dirname,
  platform: 'node',
  external: [/^node:/],
  plugins: [absentPackages, rawText, quickJsFile, lazyBuiltins, buildDigest],
  // Where a package offers ES modules, unused parts of them can be left out: a third of x509.
  resolve: { mainFields: ['module', 'main'], extensionAlias: { '.js': ['.ts', '.js'] } },
  transform: { target: 'node20', define: { TMACHINE_BUILD: JSON.stringify(commit()) } },
  logLevel: 'warn',
  output: {
    dir: 'dist',
    format: 'cjs',
    // `import()` of a builtin becomes `require`: run from kept code (bin/run.cjs), V8 refuses a real `import()`.
    dynamicImportInCjs: false,
    exports: 'named',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    comments: false,
    // All of ours but the commands in one file: reading thirty small ones costs a short command a tenth of its time.
    codeSplitting: { groups: [{ name: 'start', test: /[\\/]src[\\/](?!commands[\\/])/ }] },
  },
};
