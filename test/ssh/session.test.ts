import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SshTarget } from '../../src/core/driver.js';
import { InterruptedError } from '../../src/core/errors.js';
import type { SshConnector } from '../../src/core/ports.js';
import { createSshConnector } from '../../src/ssh/connector.js';
import { generateSshKey } from '../../src/ssh/keys.js';
import { HeldClock } from '../support/fake-clock.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { type Sshd, startSshd } from '../support/sshd.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const random = { bytes: (count: number) => randomBytes(count) };
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let sshd: Sshd;
let target: SshTarget;

beforeAll(async () => {
  folder = await temporaryDirectory('session');
  const key = await generateSshKey('ed25519', random);
  const keyPath = join(folder.path, 'id_rsa');
  await writeFile(keyPath, key.privateKey);
  await chmod(keyPath, 0o600);
  sshd = await startSshd({ authorizedKeys: [key.publicKey] });
  target = { ...sshd.target, keyPath };
});

afterAll(async () => {
  await sshd.close();
  await folder.remove();
});

/** A caller's stdin: a pipe, or a terminal whose mode changes are written down. */
class Input extends PassThrough {
  readonly modes: boolean[] = [];
  isRaw = false;
  readonly isTTY: boolean | undefined;

  constructor(isTerminal: boolean) {
    super();
    this.isTTY = isTerminal ? true : undefined;
  }

  setRawMode(raw: boolean): this {
    this.modes.push(raw);
    this.isRaw = raw;
    return this;
  }
}

/** A caller's stdout or stderr: keeps what it gets, as slowly as asked for. */
class Output extends Writable {
  columns = 101;
  rows = 33;
  text = '';
  readonly #slow: boolean;
  readonly #awaited: { pattern: RegExp; found: () => void }[] = [];

  constructor({ slow = false } = {}) {
    super({ highWaterMark: 1024 });
    this.#slow = slow;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('latin1');
    for (const { pattern, found } of this.#awaited) if (pattern.test(this.text)) found();
    if (this.#slow) setImmediate(done);
    else done();
  }

  says(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited.push({ pattern, found: resolve });
      if (pattern.test(this.text)) resolve();
    });
  }
}

interface Streams {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

function streams({ terminal = false, slow = false } = {}): Streams {
  return { stdin: new Input(terminal), stdout: new Output({ slow }), stderr: new Output({ slow }) };
}

function connectorWith(terminal: Streams): SshConnector {
  return createSshConnector({
    clock: new HeldClock(),
    random,
    facts: {
      platform: 'linux',
      homeDirectory: folder.path,
      temporaryDirectory: folder.path,
      env: { TERM: 'vt100' },
    },
    processes: new FakeProcesses(),
    terminal: () => terminal,
  });
}

/** `tmachine ssh NAME ARGS...` with these streams. */
function session(
  args: readonly string[],
  terminal: Streams,
  signal = new AbortController().signal,
): Promise<number> {
  return connectorWith(terminal).session(target, args, {
    signal,
    timeoutMs: 30_000,
    hostKey: sshd.hostKeys[0],
  });
}

describe('a command', () => {
  test('prints on the right streams and passes its exit code', async () => {
    const terminal = streams();
    expect(await session(['echo out; echo err >&2; exit 42'], terminal)).toBe(42);
    expect([terminal.stdout.text, terminal.stderr.text]).toEqual(['out\n', 'err\n']);
  });

  test('in several words is joined by spaces, as ssh does; a leading -- is left out', async () => {
    const terminal = streams();
    expect(await session(['--', 'printf', '"%s|"', 'a   b', "'c d'"], terminal)).toBe(0);
    expect(terminal.stdout.text).toBe('a|b|c d|');
  });

  test('that a signal ends has the status a shell would give', async () => {
    expect(await session(['kill -TERM $$'], streams())).toBe(143);
  });

  test('has no terminal, also when the caller has one', async () => {
    const terminal = streams({ terminal: true });
    expect(await session(['tty'], terminal)).toBe(1);
    expect(terminal.stdin.modes).toEqual([]);
  });

  test("gets the caller's input, and its end", async () => {
    const terminal = streams();
    const input = randomBytes(3_000_000);
    terminal.stdin.end(input);
    expect(await session(['wc -c'], terminal)).toBe(0);
    expect(terminal.stdout.text.trim()).toBe('3000000');
  });

  test('loses nothing of its output when the caller reads slowly', async () => {
    const terminal = streams({ slow: true });
    const say = 'head -c 5000000 /dev/zero | tr "\\0" x; head -c 4000000 /dev/zero | tr "\\0" y >&2';
    expect(await session([say], terminal)).toBe(0);
    expect([terminal.stdout.text.length, terminal.stderr.text.length]).toEqual([5_000_000, 4_000_000]);
  });

  test('whose reader went away ends as with a broken pipe', async () => {
    const terminal = streams();
    const running = session(['cat /dev/zero'], terminal);
    await terminal.stdout.says(/./s);
    terminal.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(await running).toBe(141);
  });

  test('ends at once with an interruption', async () => {
    const interrupt = new AbortController();
    const terminal = streams();
    const running = session(['echo begun; exec sleep 20'], terminal, interrupt.signal);
    await terminal.stdout.says(/begun/);
    interrupt.abort(new InterruptedError('Ctrl-C'));
    await expect(running).rejects.toThrow('Ctrl-C');
  });

  test('leaves no listener on the streams behind', async () => {
    const terminal = streams();
    const before = [terminal.stdin, terminal.stdout, terminal.stderr].map((stream) => stream.eventNames());
    await session(['true'], terminal);
    expect([terminal.stdin, terminal.stdout, terminal.stderr].map((stream) => stream.eventNames())).toEqual(
      before,
    );
    expect(terminal.stdin.isPaused()).toBe(true);
  });
});

describe('a shell', () => {
  test('without a terminal runs what comes on stdin, to its end', async () => {
    const terminal = streams();
    terminal.stdin.end('echo "a b"\nif tty >/dev/null; then exit 9; fi\nexit 5\n');
    expect(await session([], terminal)).toBe(5);
    expect(terminal.stdout.text).toContain('a b\n');
  });

  test('on a terminal has one of the same size and kind, that follows a change', async () => {
    const terminal = streams({ terminal: true });
    const running = session([], terminal);
    terminal.stdin.write('stty size; echo "kind=$TERM"; tty\n');
    await terminal.stdout.says(/33 101\r\n[\s\S]*kind=vt100\r\n[\s\S]*\/dev\/pts\/\d+/);
    terminal.stdout.columns = 55;
    terminal.stdout.rows = 22;
    terminal.stdout.emit('resize');
    terminal.stdin.write('stty size\n');
    await terminal.stdout.says(/22 55\r\n/);
    terminal.stdin.write('exit 7\n');
    expect(await running).toBe(7);
  });

  test('gives the terminal back as it was when it ends', async () => {
    const terminal = streams({ terminal: true });
    terminal.stdin.write('exit\n');
    await session([], terminal);
    expect(terminal.stdin.modes).toEqual([true, false]);
    expect(terminal.stdout.listenerCount('resize')).toBe(0);
  });

  test('gives the terminal back as it was when it is interrupted', async () => {
    const interrupt = new AbortController();
    const terminal = streams({ terminal: true });
    const running = session([], terminal, interrupt.signal);
    terminal.stdin.write('echo "be"gun\n');
    await terminal.stdout.says(/begun/);
    interrupt.abort(new InterruptedError());
    await expect(running).rejects.toThrow(InterruptedError);
    expect(terminal.stdin.modes).toEqual([true, false]);
  });

  test('passes Ctrl-C on to what runs in it', async () => {
    const terminal = streams({ terminal: true });
    const running = session([], terminal);
    terminal.stdin.write(
      'sh -c \'trap "echo caught; exit 0" INT; echo rea""dy; while :; do sleep 0.1; done\'\n',
    );
    await terminal.stdout.says(/ready/);
    terminal.stdin.write('\u0003');
    await terminal.stdout.says(/caught\r\n/);
    terminal.stdin.write('exit 0\n');
    expect(await running).toBe(0);
  });
});
