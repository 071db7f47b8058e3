import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { listens } from './child-server.js';

const ENDS_WITH_PARENT = join(import.meta.dirname, 'ends-with-parent.cjs');
const SERVER = `require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
/** A test run: starts a server as ours do, tells its port, and waits. */
const RUN = `const { spawn } = require('node:child_process');
spawn(process.execPath, [${JSON.stringify(ENDS_WITH_PARENT)}, process.execPath, '-e', ${JSON.stringify(SERVER)}],
  { stdio: ['pipe', 'inherit', 'ignore'] });
setInterval(() => undefined, 1000);`;

test('a server of a test ends when the test run is killed', async () => {
  const run = spawn(process.execPath, ['-e', RUN], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [text] = await once(run.stdout.setEncoding('utf8'), 'data');
  const port = Number(text);
  expect(await listens(port)).toBe(true);
  run.kill('SIGKILL');
  // Another process has to notice; jest's own limit ends a wait in vain.
  while (await listens(port)) await pause(20);
});
