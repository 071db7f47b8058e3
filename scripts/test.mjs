// `npm test`: works in a fresh clone. Says what it installs, builds the bundle, runs jest with the arguments given,
// and ends with one line: `N passed, N failed`. `-y` lets it use sudo for Debian packages.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_PACKAGES } from './debian-packages.mjs';
import { ensureDebianPackages, ensureNpmPackages, run } from './prepare.mjs';

const root = join(import.meta.dirname, '..');
const yes = process.argv.includes('-y');
const jestArgs = process.argv.slice(2).filter((arg) => arg !== '-y');

ensureNpmPackages();
const missing = ensureDebianPackages(TEST_PACKAGES, { yes });
if (missing.length > 0 && process.env.CI)
  throw new Error('in CI nothing may be skipped for a missing package');
const isBuilt = build();

const folder = mkdtempSync(join(tmpdir(), 'tmachine-test-'));
const report = join(folder, 'report.json');
try {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const args = ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${report}`, ...jestArgs];
  // jest prints the report for people on stderr and, with --json, a second copy of the file on stdout.
  const { status } = spawnSync(process.execPath, [...flags, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const counts = readCounts();
  if (!isBuilt) counts.failed += 1;
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  process.exitCode = status === 0 && counts.failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The tests that need no bundle say more than a build that failed. */
function build() {
  try {
    run(process.execPath, ['node_modules/rolldown/bin/cli.mjs', '-c', 'rolldown.config.mjs']);
    return true;
  } catch (error) {
    console.error(error.message);
    return false;
  }
}

/** A file of tests that could not even be loaded counts as one failure, and so does a jest that did not report. */
function readCounts() {
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
