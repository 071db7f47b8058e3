import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InterruptedError, StoreError, ToolError } from '../../src/core/errors.js';
import type { Clock } from '../../src/core/ports.js';
import { SystemClock } from '../../src/host/clock.js';
import { openHost } from '../../src/host/open-host.js';
import type { ProcessReport } from '../../src/host/process-report.js';
import { SystemProcesses } from '../../src/host/processes.js';
import { HeldClock } from '../support/fake-clock.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const host = openHost();
let directory: { path: string; remove: () => Promise<void> };
let reports: ProcessReport[];
beforeEach(async () => {
  directory = await temporaryDirectory('processes');
  reports = [];
});
afterEach(() => directory.remove());

function runner(clock: Clock = new SystemClock(), platform = host.facts.platform): SystemProcesses {
  return new SystemProcesses({
    facts: { platform, env: host.facts.env },
    clock,
    identify: (pid) => host.processTable.identify(pid),
    observe: (report) => reports.push(report),
  });
}

async function refusal(work: Promise<unknown>): Promise<ToolError> {
  const error = await work.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ToolError) return error;
  throw error;
}

/** Waits without a clock until a file has content. */
async function contentOf(path: string): Promise<string> {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 2000; tries++) {
    if ((await host.processTable.identify(pid)) === undefined) return true;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return false;
}

describe('run', () => {
  test('captures both streams and the exit code', async () => {
    expect(await runner().run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      status: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('gives arguments as they are: no shell looks at them', async () => {
    const odd = ['$HOME', '`id`', '; rm -rf /', '*', 'a b', '', '"', "'", '\\', 'é'];
    const { stdout } = await runner().run('printf', ['%s\\n', ...odd]);
    expect(stdout).toBe(odd.map((word) => `${word}\n`).join(''));
  });

  test('gives input, and a program that does not read it is no failure', async () => {
    expect((await runner().run('cat', [], { input: 'hello' })).stdout).toBe('hello');
    expect((await runner().run('true', [], { input: new Uint8Array(5_000_000) })).status).toBe(0);
  });

  test('without input gives an empty one, not the terminal', async () => {
    expect((await runner().run('cat', [])).stdout).toBe('');
  });

  test('runs in English and in the directory asked for', async () => {
    const options = { cwd: directory.path, env: { EXTRA: 'x', HOME: undefined } };
    const { stdout } = await runner().run('sh', ['-c', 'echo "$LC_ALL|$EXTRA|${HOME-none}|$PWD"'], options);
    expect(stdout).toBe(`C.UTF-8|x|none|${directory.path}\n`);
  });

  test('a signal that ended the program leaves no exit code', async () => {
    expect((await runner().run('sh', ['-c', 'kill -9 $$'])).status).toBeUndefined();
  });

  test('takes no program from the current directory', async () => {
    await writeFile(join(directory.path, 'evil'), '#!/bin/sh\necho evil\n', { mode: 0o755 });
    const before = process.cwd();
    process.chdir(directory.path);
    try {
      for (const file of ['evil', './evil']) {
        expect((await refusal(runner().run(file, []))).reason).toBe(
          'it could not be started: there is no such program, or it may not be run',
        );
      }
    } finally {
      process.chdir(before);
    }
  });

  test('explains a file that is no program', async () => {
    const file = join(directory.path, 'broken');
    await writeFile(file, '#!/nowhere/interpreter\n', { mode: 0o755 });
    const error = await refusal(runner().run(file, []));
    expect(error.message).toBe(`"${file}" ended with no exit code`);
    expect(error.reason).toMatch(/^it could not be started: /);
  });

  test('refuses a batch file on Windows, because its arguments would be interpreted', async () => {
    const file = join(directory.path, 'docker.CMD');
    await writeFile(file, '', { mode: 0o755 });
    const windows = runner(new SystemClock(), 'win32');
    // An absolute path by Windows' rules that this computer also finds.
    const error = await refusal(windows.run(file, ['&calc']));
    expect(error.reason).toContain('it is a batch file, which only a shell can run');
    expect(error.nextSteps).toEqual([`put the .exe of "${file}" on PATH before "${file}"`]);
  });

  test('ends a program and everything it has started when its time is up', async () => {
    const clock = new HeldClock();
    const pids = join(directory.path, 'pids');
    const work = runner(clock).run('sh', ['-c', `sleep 60 & echo $$ $! > '${pids}'; wait`], {
      timeoutMs: 5000,
    });
    const numbers = (await contentOf(pids)).trim().split(' ').map(Number);
    await clock.advance(5000);
    const error = await refusal(work);
    expect(error.reason).toBe('it did not end within 5 s and was stopped');
    for (const pid of numbers) expect(await isGone(pid)).toBe(true);
  });

  test('kills a program that does not listen, two seconds later', async () => {
    const clock = new HeldClock();
    const pids = join(directory.path, 'pids');
    const script = `trap '' TERM; echo $$ > '${pids}'; while :; do sleep 0.01; done`;
    const work = runner(clock).run('sh', ['-c', script], { timeoutMs: 1000 });
    const pid = Number(await contentOf(pids));
    await clock.advance(1000);
    expect(await host.processTable.identify(pid)).toBeDefined();
    await clock.advance(2000);
    await refusal(work);
    expect(await isGone(pid)).toBe(true);
  });

  test('an interruption ends the program with everything it has started', async () => {
    const stop = new AbortController();
    const pids = join(directory.path, 'pids');
    const work = runner().run('sh', ['-c', `sleep 60 & echo $$ $! > '${pids}'; wait`], {
      signal: stop.signal,
    });
    const numbers = (await contentOf(pids)).trim().split(' ').map(Number);
    stop.abort();
    await expect(work).rejects.toBeInstanceOf(InterruptedError);
    for (const pid of numbers) expect(await isGone(pid)).toBe(true);
  });

  test('after an interruption nothing is started', async () => {
    const file = join(directory.path, 'made');
    const work = runner().run('touch', [file], { signal: AbortSignal.abort() });
    await expect(work).rejects.toBeInstanceOf(InterruptedError);
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  test('stops a program that prints without end', async () => {
    const error = await refusal(runner().run('yes', []));
    expect(error.reason).toBe('it printed more than 16 MiB and was stopped');
  });

  test('a stream may hold sixteen mebibytes', async () => {
    const { stdout } = await runner().run('head', ['-c', String(16 * 2 ** 20), '/dev/zero']);
    expect(stdout).toHaveLength(16 * 2 ** 20);
  });

  test('does not wait for a daemon that keeps the pipe open', async () => {
    const { stdout } = await runner().run('sh', ['-c', 'echo started; setsid sleep 60 & echo $! >&2']);
    expect(stdout).toBe('started\n');
    process.kill(Number(reports[0]?.stderr), 'SIGKILL');
  });
});

describe('attach', () => {
  test('answers with the exit code, or 128 and the number of the signal', async () => {
    expect(await runner().attach('sh', ['-c', 'exit 7'])).toBe(7);
    expect(await runner().attach('sh', ['-c', 'kill -9 $$'])).toBe(137);
    expect(await runner().attach('sh', ['-c', 'kill -15 $$'])).toBe(143);
  });

  test('ends with the interruption', async () => {
    const stop = new AbortController();
    const pids = join(directory.path, 'pids');
    const work = runner().attach('sh', ['-c', `echo $$ > '${pids}'; exec sleep 60`], { signal: stop.signal });
    const pid = Number(await contentOf(pids));
    stop.abort();
    await expect(work).rejects.toBeInstanceOf(InterruptedError);
    expect(await isGone(pid)).toBe(true);
  });
});

describe('launch', () => {
  test('starts a program in a session of its own, its output in a private file', async () => {
    const outputPath = join(directory.path, 'log');
    await writeFile(outputPath, 'before\n', { mode: 0o644 });
    const script = 'echo out; echo err >&2; ps -o sid= -p $$ >&2; exec sleep 60';
    const identity = await runner().launch('sh', ['-c', script], { outputPath });
    try {
      expect(await host.processTable.isAlive(identity)).toBe(true);
      let text = '';
      while (!/err\n\s*\d+\n/.test(text)) text = await contentOf(outputPath);
      expect(text).toMatch(/^before\nout\nerr\n/);
      expect(Number(text.trim().split('\n').at(-1))).toBe(identity.pid);
      expect((await stat(outputPath)).mode & 0o777).toBe(0o600);
    } finally {
      await host.processTable.signal(identity, 'SIGKILL');
    }
    expect(await isGone(identity.pid)).toBe(true);
  });

  test('a program that is not there is told', async () => {
    const outputPath = join(directory.path, 'log');
    const error = await refusal(runner().launch('no-such-program', [], { outputPath }));
    expect(error.reason).toContain('there is no such program');
  });

  test('a program that ended before it could be identified is told with what it said', async () => {
    const outputPath = join(directory.path, 'log');
    const processes = new SystemProcesses({
      facts: host.facts,
      clock: new SystemClock(),
      identify: async () => {
        await contentOf(outputPath);
        return undefined;
      },
    });
    const error = await refusal(processes.launch('sh', ['-c', 'echo no image; exit 4'], { outputPath }));
    expect([error.status, error.reason]).toEqual([4, 'no image']);
  });

  test('a log that cannot be written is told', async () => {
    const outputPath = join(directory.path, 'log');
    await mkdir(outputPath);
    const work = runner().launch('true', [], { outputPath });
    await expect(work).rejects.toBeInstanceOf(StoreError);
    await expect(work).rejects.toThrow(`Could not write the log "${outputPath}"`);
  });
});

describe('the observer', () => {
  test('sees every program with its quoted words, exit code and streams', async () => {
    await runner().run('sh', ['-c', 'echo "a b"; exit 2', 'x "y"']);
    expect(reports).toEqual([
      {
        commandLine: '"sh" "-c" "echo \\"a b\\"; exit 2" "x \\"y\\""',
        elapsedMs: expect.any(Number),
        outcome: 'exit code 2',
        stdout: 'a b\n',
        stderr: '',
      },
    ]);
  });

  test('sees no password and no key', async () => {
    const key = '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----';
    await runner().run('printf', ['%s', `http://user:secret@proxy:8080 ${key}`]);
    const seen = JSON.stringify(reports);
    expect(seen).toContain('http://user:***@proxy:8080');
    expect(seen).not.toMatch(/secret|abc/);
  });

  test('sees what could not be started', async () => {
    await runner()
      .run('no-such-program', [])
      .catch(() => undefined);
    expect(reports[0]?.outcome).toBe('not started: there is no such program, or it may not be run');
  });
});
