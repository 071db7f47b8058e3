// What short commands cost beside an empty Node program: `npm run bench`. A docker-machine on PATH runs with them.

import { join } from 'node:path';
import { isInstalled } from '../scripts/prepare.mjs';
import { describeComputer, inTemporaryFolder, measure, PROGRAM, report } from './harness.mjs';
import { createMachine, serveEngine } from './none-store.mjs';

const COMMANDS = ['version', 'status', 'inspect', 'url', 'env', 'config'];
/** What a start may cost, in times `node -e 0`. */
const BUDGETS = { version: 2.5, status: 2.5, inspect: 2.5, url: 2.5 };

await inTemporaryFolder(async (folder) => {
  const store = join(folder, 'store');
  // The certificates come with the first machine; the engine needs them before the second can have its address.
  createMachine(store, 'first', 'tcp://127.0.0.1:1');
  const engine = await serveEngine(store, folder);
  createMachine(store, 'box', `tcp://127.0.0.1:${engine.port}`);

  const ours = COMMANDS.map((name) => ({ name, command: [process.execPath, PROGRAM, ...line(name, store)] }));
  const peer = isInstalled('docker-machine')
    ? COMMANDS.map((name) => ({
        name: `docker-machine ${name}`,
        command: ['docker-machine', ...line(name, store)],
      }))
    : [];
  const empty = { name: 'node -e 0', command: [process.execPath, '-e', '0'] };
  const measured = await measure([empty, ...ours, ...peer]);
  report(`Start-up (${describeComputer()})`, measured, measured[0], BUDGETS);
  engine.close();
});

function line(name, store) {
  const args = { version: [], env: ['--shell', 'sh', 'box'] }[name] ?? ['box'];
  return ['-s', store, name, ...args];
}
