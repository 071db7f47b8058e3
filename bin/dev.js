#!/usr/bin/env node
// Runs the sources as they are now: bundles them first, which takes half a second.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bundler = join(root, 'node_modules', 'rolldown', 'bin', 'cli.mjs');
execFileSync(process.execPath, [bundler, '-c', 'rolldown.config.mjs'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
createRequire(import.meta.url)('./run.cjs');
