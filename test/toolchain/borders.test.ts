import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Forbidden {
  readonly rule: string;
  readonly file: string;
  readonly text: string;
}

/** One row for each border: a file that crosses it. The targets below all exist. */
const imports: readonly Forbidden[] = [
  { rule: 'core-knows-nobody', file: 'core/a.ts', text: "import '../store/target.js';" },
  { rule: 'core-knows-nobody', file: 'core/actions/b.ts', text: "import '../../host/target.js';" },
  {
    rule: 'provisioners-knows-only-core',
    file: 'provisioners/a.ts',
    text: "import '../drivers/one/target.js';",
  },
  { rule: 'store-knows-only-core', file: 'store/a.ts', text: "import '../host/target.js';" },
  { rule: 'ssh-knows-only-core', file: 'ssh/a.ts', text: "import '../store/target.js';" },
  { rule: 'certs-knows-only-core', file: 'certs/a.ts', text: "import '../ssh/target.js';" },
  { rule: 'download-knows-only-core', file: 'download/a.ts', text: "import '../ui/target.js';" },
  { rule: 'shells-knows-only-core', file: 'shells/a.ts', text: "import '../host/target.js';" },
  { rule: 'ui-knows-only-core', file: 'ui/a.ts', text: "import '../cli/target.js';" },
  { rule: 'host-knows-only-core', file: 'host/a.ts', text: "import '../store/target.js';" },
  { rule: 'a-driver-knows-only-core', file: 'drivers/one/a.ts', text: "import '../two/target.js';" },
  { rule: 'a-driver-knows-only-core', file: 'drivers/one/b.ts', text: "import '../../ssh/target.js';" },
  {
    rule: 'the-list-of-drivers-knows-only-drivers',
    file: 'drivers/list.ts',
    text: "import '../store/target.js';",
  },
  { rule: 'commands-know-cli-core-shells-ui', file: 'commands/a.ts', text: "import '../store/target.js';" },
  { rule: 'a-command-knows-no-other-command', file: 'commands/b.ts', text: "import './target.js';" },
  { rule: 'only-compose-introduces-neighbours', file: 'cli/a.ts', text: "import '../store/target.js';" },
  { rule: 'only-main-lists-commands', file: 'cli/b.ts', text: "import '../commands/target.js';" },
  {
    rule: 'templates-come-from-compose',
    file: 'provisioners/b.ts',
    text: "import '../../templates/note?raw';",
  },
  { rule: 'sources-do-not-know-tests', file: 'core/c.ts', text: "import '../../test/target.js';" },
  { rule: 'processes-timers-and-os-only-in-host', file: 'core/d.ts', text: "import 'node:child_process';" },
  { rule: 'processes-timers-and-os-only-in-host', file: 'drivers/one/c.ts', text: "import 'node:os';" },
  {
    rule: 'processes-timers-and-os-only-in-host',
    file: 'store/b.ts',
    text: "import 'node:timers/promises';",
  },
  { rule: 'files-only-where-they-are-owned', file: 'core/e.ts', text: "import 'node:fs/promises';" },
  { rule: 'files-only-where-they-are-owned', file: 'provisioners/c.ts', text: "import 'node:fs';" },
  { rule: 'files-only-where-they-are-owned', file: 'shells/b.ts', text: "import 'node:fs';" },
  { rule: 'files-only-where-they-are-owned', file: 'ui/b.ts', text: "import 'node:fs';" },
  { rule: 'files-only-where-they-are-owned', file: 'commands/c.ts', text: "import 'node:fs';" },
  { rule: 'sockets-only-where-they-are-owned', file: 'core/f.ts', text: "import 'node:net';" },
  { rule: 'sockets-only-where-they-are-owned', file: 'drivers/one/d.ts', text: "import 'node:net';" },
  { rule: 'sockets-only-where-they-are-owned', file: 'store/c.ts', text: "import 'node:https';" },
  { rule: '@oclif/core-only-in-commands-and-cli', file: 'core/g.ts', text: "import '@oclif/core/command';" },
  { rule: 'ssh2-only-in-ssh', file: 'core/h.ts', text: "await import('ssh2');" },
  { rule: '@peculiar/x509-only-in-certs', file: 'ssh/b.ts', text: "await import('@peculiar/x509');" },
  { rule: 'got-only-in-download', file: 'certs/b.ts', text: "await import('got');" },
  { rule: 'no-cycles', file: 'core/i.ts', text: "import './j.js';" },
  { rule: 'everything-resolves', file: 'core/k.ts', text: "import './nowhere.js';" },
];

const allowed: readonly { readonly file: string; readonly text: string }[] = [
  { file: 'core/ok.ts', text: "import 'node:path'; import './target.js';" },
  {
    file: 'drivers/one/ok.ts',
    text: "import 'node:fs/promises'; import '../../core/target.js'; import './target.js';",
  },
  { file: 'drivers/qemu/qmp.ts', text: "import 'node:net';" },
  { file: 'drivers/index.ts', text: "import './one/target.js'; import './two/target.js';" },
  { file: 'host/ok.ts', text: "import 'node:child_process'; import 'node:os'; import '../core/target.js';" },
  {
    file: 'commands/ok.ts',
    text: "import '../cli/target.js'; import '../shells/target.js'; import '../ui/target.js';",
  },
  {
    file: 'cli/compose.ts',
    text: "import '../store/target.js'; import '../ssh/target.js'; import '../../templates/note?raw';",
  },
  { file: 'cli/main.ts', text: "import '../commands/target.js';" },
  { file: 'ssh/ok.ts', text: "import '../core/target.js'; import 'node:net'; await import('ssh2');" },
];

let folder: string;
let violations: { readonly rule: { readonly name: string }; readonly from: string }[];

async function put(path: string, text: string): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${text}\n`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'borders-'));
  await cp(join(root, '.dependency-cruiser.cjs'), join(folder, '.dependency-cruiser.cjs'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const targets = ['core', 'store', 'ssh', 'certs', 'download', 'shells', 'ui', 'host', 'cli', 'commands'];
  const neighbours = [...targets, 'provisioners', 'drivers/one', 'drivers/two'];
  for (const target of neighbours) await put(`src/${target}/target.ts`, 'export {};');
  await put('test/target.ts', 'export {};');
  await put('templates/note', 'text');
  await put('src/core/j.ts', "import './i.js';");
  for (const { file, text } of [...imports, ...allowed]) await put(`src/${file}`, text);
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'];
  const result = await run(process.execPath, [program, ...args], { cwd: folder, maxBuffer: 1 << 26 });
  violations = JSON.parse(result.stdout).summary.violations;
}, 60_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('a forbidden import fails the lint', () => {
  test.each(imports)('$rule: $file with $text', ({ rule, file }) => {
    expect(violations.filter(({ from }) => from === `src/${file}`).map((found) => found.rule.name)).toContain(
      rule,
    );
  });

  test.each(allowed)('$file may import what its folder is allowed', ({ file }) => {
    expect(violations.filter(({ from }) => from === `src/${file}`)).toEqual([]);
  });

  test('every rule of the configuration has a row here', async () => {
    const { default: config } = await import(join(root, '.dependency-cruiser.cjs'));
    const names: string[] = config.forbidden.map((rule: { name: string }) => rule.name);
    expect([...new Set(imports.map(({ rule }) => rule))].sort()).toEqual([...new Set(names)].sort());
  });
});
