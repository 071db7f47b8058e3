import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { TmachineError } from '../../src/core/errors.js';
import { type BundledProgram, bundleProgram } from '../support/run-ts.js';
import { type StoreOnDisk, storeOnDisk } from '../support/store-on-disk.js';

const CONTENDER = fileURLToPath(new URL('programs/contender.ts', import.meta.url));
const LIMIT_MS = 120_000;

let program: BundledProgram;
let disk: StoreOnDisk;
let started: ChildProcess[];

beforeAll(async () => {
  program = await bundleProgram(CONTENDER);
}, LIMIT_MS);
afterAll(() => program.remove());

beforeEach(async () => {
  disk = await storeOnDisk();
  started = [];
  await mkdir(disk.root);
  await writeFile(join(disk.root, 'counter'), '0');
});
afterEach(async () => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
  await disk.remove();
});

/** A process with its own copy of the code; kills itself the hard way when it says `killAt`. */
function contender(task: 'work' | 'hold' | 'wait', killAt?: string): Promise<string> {
  const child = spawn(process.execPath, [program.file, disk.root, task], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (killAt !== undefined && output.includes(killAt)) child.kill('SIGKILL');
    });
  }
  return once(child, 'close').then(() => output);
}

async function counted(): Promise<number> {
  return Number(await readFile(join(disk.root, 'counter'), 'utf8'));
}

test(
  'P22: twenty processes never hold a lock together, though eight of them are killed on the way',
  async () => {
    const outputs = await Promise.all([
      ...Array.from({ length: 5 }, () => contender('hold', 'holding')),
      ...Array.from({ length: 12 }, () => contender('work')),
      ...Array.from({ length: 3 }, () => contender('wait', 'waiting')),
    ]);
    expect(outputs.slice(0, 5)).toEqual(Array(5).fill('holding\n'));
    expect(outputs.slice(5, 17)).toEqual(Array(12).fill(''));
    expect(await counted()).toBe(120);
    const left = await readdir(join(disk.root, '.tmachine', 'locks'));
    // The last to be killed may leave its lock, and one killed while writing its own a hidden file.
    expect(left.filter((name) => !name.startsWith('.') && name !== 'machine-dev.lock')).toEqual([]);
    expect(
      await disk.store.lock({ machine: 'dev' }, { signal: AbortSignal.timeout(LIMIT_MS) }, counted),
    ).toBe(120);
  },
  LIMIT_MS,
);

test(
  'the lock of a stopped process is kept, and passes on when it is killed',
  async () => {
    const holding = contender('hold');
    const [child] = started;
    if (child?.stdout == null) throw new Error('the process has no output');
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    const signal = AbortSignal.timeout(LIMIT_MS);
    const error: unknown = await disk.store
      .lock({ machine: 'dev' }, { signal, waitMs: 300 }, counted)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TmachineError);
    expect(error).toMatchObject({
      code: 'LOCKED',
      reason: expect.stringContaining(`process ${child.pid} has held the lock since `),
    });
    child.kill('SIGKILL');
    await holding;
    expect(await disk.store.lock({ machine: 'dev' }, { signal }, counted)).toBe(0);
  },
  LIMIT_MS,
);
