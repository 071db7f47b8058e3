import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tmachineIn } from '../support/cli.js';
import { CREATE_LINES, killableCreate, killSeed, seeded } from '../support/create-kills.js';
import { GUEST_IMAGE } from '../support/guest-image.js';
import { qemuProcesses } from '../support/qemu-processes.js';

describe('P28: nothing is lost and nothing is left over', () => {
  let directory: string;
  let tmachine: ReturnType<typeof tmachineIn>;
  const create = ['create', '-d', 'qemu', '--qemu-boot2docker-url', GUEST_IMAGE];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tm-cut-'));
    tmachine = tmachineIn(directory);
  });

  afterAll(async () => {
    await tmachine(['rm', '-f', ...(await tmachine(['ls', '-q'])).stdout.split('\n').filter(Boolean)]);
    await rm(directory, { recursive: true, force: true });
  });

  const qemus = () => qemuProcesses(directory);

  test.each([
    ['(cut) Creating QEMU VM...', 'while the disk is made'],
    ['(cut) Starting the VM...', 'while the machine starts'],
    ['Waiting for SSH to be available...', 'while the guest boots'],
    ['Setting Docker configuration on the remote daemon...', 'while the engine starts'],
  ])('Ctrl-C after "%s" (%s): exit 130, and rm clears all', async (line) => {
    let sent = false;
    const outcome = await tmachine([...create, 'cut'], {
      timeoutMs: 300_000,
      onStdout: (all, kill) => {
        if (sent || !all.includes(line)) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect(outcome).toMatchObject({ status: 130 });
    expect(outcome.stderr).toMatch(/Interrupted/);
    expect(existsSync(join(directory, 'machines', 'cut', 'config.json'))).toBe(true);
    expect(await tmachine(['rm', '-y', 'cut'])).toMatchObject({ status: 0 });
    expect(existsSync(join(directory, 'machines', 'cut'))).toBe(false);
    expect(qemus()).toEqual([]);
  });

  test('killed five times in one creation, at points of a printed seed, it is finished by the sixth create; rm leaves nothing', async () => {
    const random = seeded(killSeed());
    const places = Array.from({ length: 5 }, () => Math.floor(random() * CREATE_LINES.length));
    const machine = killableCreate(join(directory, 'killed'));
    for (const place of places.sort((a, b) => a - b)) {
      await machine.cut({ line: CREATE_LINES[place] ?? '', delayMs: Math.round(random() * 1_000) });
    }
    await machine.finishAndRemove();
  });

  test('an interrupted create goes on where it stopped', async () => {
    let sent = false;
    const cut = await tmachine([...create, 'resumed'], {
      timeoutMs: 300_000,
      onStdout: (all, kill) => {
        if (sent || !all.includes('Waiting for SSH to be available...')) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect(cut.status).toBe(130);
    expect(cut.stderr).toContain('same command again');
    const other = await tmachine([...create, '--qemu-memory', '2048', 'resumed']);
    expect(other).toMatchObject({ status: 1 });
    expect(other.stderr).toMatch(/already exists\n\s+Why\s+.*qemu-memory was not given/);
    const resumed = await tmachine([...create, 'resumed'], { timeoutMs: 600_000 });
    expect(resumed).toMatchObject({ status: 0, stderr: '' });
    expect(resumed.stdout).toContain('Going on with a creation that did not end');
    const again = await tmachine([...create, 'resumed']);
    expect(again).toMatchObject({ status: 1 });
    expect(again.stderr).toMatch(/^Docker machine "resumed" already exists\n/);
  });

  test('a virtual machine killed behind our back is Stopped, and starts again', async () => {
    // Exactly one: kill(0) would end the test itself.
    const running = qemus();
    expect(running).toHaveLength(1);
    for (const pid of running) process.kill(pid, 'SIGKILL');
    for (let tries = 0; tries < 50 && qemus().length > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await tmachine(['status', 'resumed'])).stdout).toBe('Stopped\n');
    expect(await tmachine(['start', 'resumed'], { timeoutMs: 600_000 })).toMatchObject({ status: 0 });
    expect((await tmachine(['rm', '-y', 'resumed'], { timeoutMs: 120_000 })).status).toBe(0);
  });

  test('P22: three creates at once on a fresh store share one authority, and all three engines answer', async () => {
    const names = ['one', 'two', 'three'];
    const fresh = tmachineIn(join(directory, 'fresh'));
    const outcomes = await Promise.all(
      names.map((name) =>
        fresh([...create, '--qemu-memory', '768', '--qemu-cpu-count', '1', name], { timeoutMs: 900_000 }),
      ),
    );
    expect(outcomes.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      names.map(() => ({ status: 0, stderr: '' })),
    );
    expect(outcomes.filter(({ stdout }) => stdout.includes('Creating CA:'))).toHaveLength(1);
    const versions = await Promise.all(names.map((name) => fresh(['version', name])));
    expect(versions.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect((await fresh(['rm', '-y', ...names], { timeoutMs: 180_000 })).status).toBe(0);
    expect(qemus()).toEqual([]);
  });
});
