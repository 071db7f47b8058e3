import { spawn } from 'node:child_process';

/** A program on a terminal of its own, to be talked with as a user does. */
export interface TerminalSession {
  /** Waits until `text` has been shown since the last `expect`. Rejects when the program ends before. */
  expect(text: string | RegExp, timeoutMs?: number): Promise<void>;
  /** Types; `\r` is the Enter key, `\x03` Ctrl-C. */
  type(text: string): void;
  /** Everything shown so far. */
  shown(): string;
  /** The program's exit code. */
  ended(): Promise<number>;
}

/**
 * Runs a program in a terminal of 100 columns, by `script` of util-linux. Only the given variables and PATH are set.
 */
export function inTerminal(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): TerminalSession {
  const line = [file, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn('script', ['-qefc', `stty cols 100; exec ${line}`, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let readTo = 0;
  let look = () => {};
  const end = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      resolve(status ?? -1);
      look();
    });
  });
  let hasEnded = false;
  void end.finally(() => {
    hasEnded = true;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    look();
  });
  child.stdin.on('error', () => undefined); // the program may have ended
  return {
    shown: () => output,
    type: (text) => child.stdin.write(text),
    ended: () => end,
    expect: (text, timeoutMs = 60_000) =>
      new Promise((resolve, reject) => {
        const finish = (error?: Error) => {
          clearTimeout(limit);
          look = () => {};
          if (error === undefined) resolve();
          else reject(error);
        };
        const missed = (why: string) => new Error(`${why} without ${String(text)}; shown:\n${output}`);
        const limit = setTimeout(() => {
          child.kill('SIGKILL');
          finish(missed(`${timeoutMs} ms passed`));
        }, timeoutMs);
        look = () => {
          const fresh = output.slice(readTo);
          const at = typeof text === 'string' ? fresh.indexOf(text) : fresh.search(text);
          if (at >= 0) {
            readTo = output.length;
            finish();
          } else if (hasEnded) finish(missed('the program ended'));
        };
        look();
      }),
  };
}
