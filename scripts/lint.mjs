// `npm run lint`: format and rules (Biome), import borders (dependency-cruiser), types (tsc). All three always run.

import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const tools = [
  ['rules', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '--max-diagnostics=none', '.']],
  [
    'borders',
    'dependency-cruiser',
    'bin/dependency-cruise.mjs',
    ['--config', '.dependency-cruiser.cjs', 'src'],
  ],
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.json', '--noEmit']],
];

/** Runs one tool to its end; resolves to its name, exit code and everything it printed. */
function check([name, program, args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ name, code, output }));
  });
}

const results = await Promise.all(tools.map(check));
for (const { name, code, output } of results) {
  if (code !== 0) process.stdout.write(`\n== ${name}\n${output}`);
}
const failed = results.filter(({ code }) => code !== 0).map(({ name }) => name);
console.log(
  failed.length === 0 ? 'lint: rules, borders and types are fine' : `lint: ${failed.join(', ')} failed`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
