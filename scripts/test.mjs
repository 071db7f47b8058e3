// `npm test` and its sisters: work in a fresh clone. Says what it installs, builds the bundle, runs jest with the
// arguments given, and ends with one line: `N passed, N failed`.
//   --suite acceptance | long | windows   another list of tests
//   -y                          Debian packages may be installed with sudo

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ACCEPTANCE_PACKAGES, TEST_PACKAGES } from './debian-packages.mjs';
import { ensureDebianPackages, ensureDockerClient, ensureNpmPackages, run } from './prepare.mjs';

const SUITES = {
  main: { config: 'jest.config.js', packages: TEST_PACKAGES },
  acceptance: { config: 'jest.acceptance.config.js', packages: [...TEST_PACKAGES, ...ACCEPTANCE_PACKAGES] },
  windows: { config: 'jest.windows.config.js', packages: [], lab: 'test/lab/windows/setup' },
  long: { config: 'jest.long.config.js', packages: [...TEST_PACKAGES, ...ACCEPTANCE_PACKAGES] },
  'virtualbox-boot': { config: 'jest.virtualbox-boot.config.js', packages: TEST_PACKAGES },
};

const root = join(import.meta.dirname, '..');
const { values, tokens } = parseArgs({
  options: {
    suite: { type: 'string', default: 'main' },
    yes: { type: 'boolean', short: 'y', default: false },
  },
  strict: false,
  tokens: true,
});
// What is not ours is jest's, as it was typed.
const ownWords = new Set(
  tokens.filter((token) => token.name === 'suite' || token.name === 'yes').flatMap(wordsOf),
);
const jestArgs = process.argv.slice(2).filter((_, index) => !ownWords.has(index));

const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  await main(SUITES[values.suite]);
} catch (error) {
  console.error(`✗ ${error.message}`);
  counts.failed += 1;
}
const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;

function wordsOf({ index, name, inlineValue }) {
  return name === 'suite' && inlineValue === false ? [index, index + 1] : [index];
}

async function main(suite) {
  if (suite === undefined) throw new Error(`--suite is one of ${Object.keys(SUITES).join(', ')}`);
  ensureNpmPackages();
  const missing = ensureDebianPackages(suite.packages, { yes: values.yes });
  if (missing.length > 0 && process.env.CI)
    throw new Error('in CI no test may be skipped for a missing package');
  if (suite.lab !== undefined) run(suite.lab, []);
  const docker = ensureDockerClient();
  // Tests that need no bundle say more than a build that failed.
  if (!build()) counts.failed += 1;
  runJest(suite.config, docker === undefined ? {} : { TMACHINE_TEST_DOCKER: docker });
}

function build() {
  try {
    run(process.execPath, ['node_modules/rolldown/bin/cli.mjs', '-c', 'rolldown.config.mjs']);
    return true;
  } catch (error) {
    console.error(error.message);
    return false;
  }
}

function runJest(config, env) {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `test-counts-${process.pid}.json`);
  try {
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const reporters = ['--reporters=default', '--reporters=<rootDir>/scripts/jest-counts.cjs'];
    const args = ['node_modules/jest/bin/jest.js', ...jestArgs, '--config', config, ...reporters];
    const { status } = spawnSync(process.execPath, [...flags, ...args], {
      cwd: root,
      env: { ...process.env, ...env, TMACHINE_TEST_COUNTS: file },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    addCounts(file, status);
  } finally {
    rmSync(file, { force: true });
  }
}

/** A jest that gave up without numbers, or with good ones, is one failure. */
function addCounts(file, status) {
  const run = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0 };
  counts.passed += run.passed;
  counts.failed += run.failed === 0 && status !== 0 ? 1 : run.failed;
  counts.skipped += run.skipped;
}
