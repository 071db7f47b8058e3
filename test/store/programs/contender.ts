/**
 * A process that wants the lock of the machine "dev" in the store of its first argument; test/store/parallel.test.ts runs many. Its second
 * argument says what it does:
 *   work    takes the lock ten times and adds one to a counter that only a lock can protect
 *   hold    takes the lock once, says "holding" and never lets go
 *   wait    says "waiting" and takes the lock, to be killed at any moment of that
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../../src/core/ports.js';
import { openHost } from '../../../src/host/open-host.js';
import { FileStore } from '../../../src/store/file-store.js';
import { storeLayout } from '../../../src/store/layout.js';

const [root = '', task = ''] = process.argv.slice(2);
const host = openHost();
const store = new FileStore({ ...host, layout: storeLayout(root, host.facts.platform) });
const counter = join(root, 'counter');
const inside = join(root, 'inside');
const signal = new AbortController().signal;

/** Says so when another living process is between `enter` and `leave`. */
async function enter(): Promise<void> {
  const other = await readFile(inside, 'utf8').catch(() => undefined);
  if (other !== undefined) {
    const process: ProcessIdentity = JSON.parse(other);
    if (await host.processTable.isAlive(process)) console.log(`two inside: ${other}`);
  }
  await writeFile(inside, JSON.stringify(await host.processTable.self()));
}

async function leave(): Promise<void> {
  await rm(inside);
}

async function addOne(): Promise<void> {
  await enter();
  const before = Number(await readFile(counter, 'utf8'));
  await new Promise((resolve) => setImmediate(resolve));
  await writeFile(counter, String(before + 1));
  await leave();
}

async function holdForEver(): Promise<void> {
  await enter();
  console.log('holding');
  await new Promise(() => setInterval(() => undefined, 1_000_000));
}

const lock = (work: () => Promise<void>) => store.lock({ machine: 'dev' }, { signal, waitMs: 120_000 }, work);

switch (task) {
  case 'work':
    for (let round = 0; round < 10; round++) await lock(addOne);
    break;
  case 'hold':
    await lock(holdForEver);
    break;
  case 'wait':
    console.log('waiting');
    await lock(holdForEver);
    break;
  default:
    throw new Error(`unknown task: ${task}`);
}
