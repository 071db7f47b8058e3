// `npm run prepack`, and so `npm pack`: everything in the package that is made, from nothing.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './prepare.mjs';

const root = join(import.meta.dirname, '..');

// Builds keep the files of earlier ones, so that a running program finds its own; a package has only its own.
rmSync(join(root, 'dist'), { recursive: true, force: true });
run(process.execPath, ['node_modules/rolldown/bin/cli.mjs', '-c', 'rolldown.config.mjs']);
for (const script of ['manifest', 'sbom', 'notices']) run(process.execPath, [`scripts/${script}.mjs`]);
