import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isoImage } from '../download/doubles.js';
import { PROGRAM, tmachineIn } from '../support/cli.js';
import { portOf } from '../support/misbehaving-server.js';
import { inTerminal } from '../support/pseudo-terminal.js';

const PARTS = 8;
const BETWEEN_MS = 150;

const missing = ['qemu-system-x86_64', 'script'].filter(
  (program) => !(process.env['PATH'] ?? '').split(delimiter).some((at) => existsSync(join(at, program))),
);
const describeHere = missing.length === 0 ? describe : describe.skip;

/** What a user sees of a download: both runs are ended by Ctrl-C as soon as the image is here. */
describeHere('the progress of a download', () => {
  let store: string;
  let server: Server;
  let url: string;

  beforeEach(async () => {
    store = await mkdtemp(join(tmpdir(), 'tm-progress-'));
    const image = isoImage({ bytes: 5 * 2 ** 20 });
    server = createServer(async (_, response) => {
      response.writeHead(200, { 'content-length': image.length });
      for (let part = 0; part < PARTS; part += 1) {
        const [from, to] = [part, part + 1].map((at) => Math.floor((image.length * at) / PARTS));
        response.write(image.subarray(from, to));
        await setTimeout(BETWEEN_MS); // a server that is slow: there is no speed without time
      }
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${portOf(server.address())}/boot2docker.iso`;
  });

  afterEach(async () => {
    await tmachineIn(store)(['rm', '-f', 'p']);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(store, { recursive: true, force: true });
  });

  const args = () => ['create', '-d', 'qemu', '--qemu-boot2docker-url', url, 'p'];

  test("in a pipe: docker-machine's line, which comes while the download goes on", async () => {
    let seenInPieces = false;
    const { stdout } = await tmachineIn(store)(args(), {
      onStdout: (all, kill) => {
        if (all.endsWith('%') || all.endsWith('.')) seenInPieces = true;
        if (all.includes('100%')) kill('SIGINT');
      },
    });
    expect(stdout).toMatch(
      /^\(p\) 0%\.{4}10%\.{4}20%\.{4}30%\.{4}40%\.{4}50%\.{4}60%\.{4}70%\.{4}80%\.{4}90%\.{4}100%$/m,
    );
    expect(seenInPieces).toBe(true);
  });

  test('on a terminal: a bar with bytes, speed and time left', async () => {
    const session = inTerminal(process.execPath, [PROGRAM, '-s', store, ...args()], { HOME: store });
    await session.expect(/\(p\) +\d+% \[=*>? *\] \d\.\d of 5\.0 MiB, \d+\.\d MiB\/s, \d s left/);
    await session.expect(/100% \[=+\] 5\.0 of 5\.0 MiB, \d+\.\d MiB\/s\r?\n/);
    session.type('\x03');
    expect(await session.ended()).toBe(130);
    expect(session.shown()).not.toContain('0%....');
  });

  test('on a terminal with NO_COLOR: the line, no bar and no control sequence', async () => {
    const env = { HOME: store, NO_COLOR: '1' };
    const session = inTerminal(process.execPath, [PROGRAM, '-s', store, ...args()], env);
    await session.expect('100%');
    session.type('\x03');
    expect(await session.ended()).toBe(130);
    expect(session.shown()).toContain('(p) 0%....10%');
    expect(session.shown()).not.toContain('\x1b');
  });
});
