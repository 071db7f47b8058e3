import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Outcome, PROGRAM, runProgram } from '../support/cli.js';

// Time is what counts and cannot be tested on a busy computer (bench/startup.mjs measures it); what costs it can.

/** Modules of Node that take one to seven milliseconds to load. */
const slow = [
  'child_process',
  'crypto',
  'dns',
  'http',
  'http2',
  'https',
  'perf_hooks',
  'readline',
  'tls',
  'zlib',
];

let folder: string;
let spy: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmachine-startup-'));
  spy = join(folder, 'spy.cjs');
  await writeFile(
    spy,
    "process.on('exit', () => require('node:fs').writeFileSync(process.env.SPY, process.moduleLoadList.join('\\n')));",
  );
  const made = await tmachine(['create', '--driver', 'none', '--url', 'tcp://127.0.0.1:1', 'box']);
  expect(made).toMatchObject({ status: 0 });
}, 60_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function tmachine(args: readonly string[], node: readonly string[] = []): Promise<Outcome> {
  return runProgram(process.execPath, [...node, PROGRAM, '-s', join(folder, 'store'), ...args], {
    env: { HOME: folder, SPY: join(folder, 'loaded'), NODE_EXTRA_CA_CERTS: undefined },
  });
}

/** The slow modules that a run of the program loads. */
async function slowModulesOf(args: readonly string[]): Promise<string[]> {
  expect(await tmachine(args, ['--require', spy])).toMatchObject({ status: 0 });
  const loaded = (await readFile(join(folder, 'loaded'), 'utf8')).split('\n');
  return slow.filter((name) => loaded.includes(`NativeModule ${name}`));
}

test('a command that needs nothing loads none of the slow modules of Node', async () => {
  expect(await slowModulesOf(['version'])).toEqual([]);
  expect(await slowModulesOf(['--help'])).toEqual([]);
});

test('a command that reads one machine loads crypto alone, to tell whether its notes belong to its record', async () => {
  for (const command of ['status', 'url', 'inspect']) {
    expect([command, ...(await slowModulesOf([command, 'box']))]).toEqual([command, 'crypto']);
  }
});
