import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Outcome, tmachineIn } from '../support/cli.js';
import { type Listener, startRaw } from '../support/tls-faults.js';

type Kill = (signal: NodeJS.Signals) => void;

/** A program that runs and has said what the test waited for. */
interface Running {
  readonly kill: Kill;
  readonly outcome: Promise<Outcome>;
}

describe('two programs and one machine', () => {
  let store: string;
  let silent: Listener;
  let tmachine: ReturnType<typeof tmachineIn>;

  beforeEach(async () => {
    store = await mkdtemp(join(tmpdir(), 'tm-locks-'));
    tmachine = tmachineIn(store);
    silent = await startRaw(() => undefined);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(store, 'key')]);
  });

  afterEach(async () => {
    await silent.close();
    await rm(store, { recursive: true, force: true });
  });

  /** Runs the program until `text` is on its stdout. */
  function until(text: string, args: readonly string[]): Promise<Running> {
    return new Promise((resolve, reject) => {
      const outcome: Promise<Outcome> = tmachine(args, {
        onStdout: (all, kill) => {
          if (all.includes(text)) resolve({ kill, outcome });
        },
      });
      outcome.then(
        (ended) => reject(new Error(`ended without "${text}": ${ended.stdout}${ended.stderr}`)),
        reject,
      );
    });
  }

  /** A `create` that holds the machine's lock: it waits for an sshd that never says a word. */
  const holder = () =>
    until('Waiting for SSH', [
      'create',
      ...['-d', 'generic', '--generic-ip-address', '127.0.0.1'],
      ...['--generic-ssh-port', String(silent.port), '--generic-ssh-key', join(store, 'key')],
      'far',
    ]);
  const waiter = () => until('Waiting for ', ['rm', '-f', 'far']);
  const directory = () => join(store, 'machines', 'far');

  test('P22: a stopped holder keeps its lock: the other one says whom it waits for, and goes on when it may', async () => {
    const first = await holder();
    first.kill('SIGSTOP');
    const second = await waiter();
    expect(existsSync(directory())).toBe(true);
    first.kill('SIGCONT');
    first.kill('SIGINT');
    expect((await first.outcome).status).toBe(130);
    const { status, stdout } = await second.outcome;
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Waiting for .*\d+.*, which is working on "far"\.\.\.$/m);
    expect(existsSync(directory())).toBe(false);
  });

  test('P22: the lock of a killed holder is taken over', async () => {
    const first = await holder();
    const second = await waiter();
    first.kill('SIGKILL');
    expect((await first.outcome).signal).toBe('SIGKILL');
    expect((await second.outcome).status).toBe(0);
    expect(existsSync(directory())).toBe(false);
  });

  test('Ctrl-C during the wait for a lock ends the one that waits, with 130, and nothing else', async () => {
    const first = await holder();
    const second = await waiter();
    second.kill('SIGINT');
    expect((await second.outcome).status).toBe(130);
    expect(existsSync(directory())).toBe(true);
    first.kill('SIGINT');
    expect((await first.outcome).status).toBe(130);
  });

  test('P28: Ctrl-C during create leaves a machine that rm removes, and the message names the ways on', async () => {
    const first = await holder();
    first.kill('SIGINT');
    const { status, stderr } = await first.outcome;
    expect(status).toBe(130);
    expect(stderr).toContain('Interrupted while creating "far"');
    expect(stderr).toContain('tmachine rm far');
    expect((await tmachine(['rm', '-y', 'far'])).status).toBe(0);
    expect(existsSync(directory())).toBe(false);
  });
});
