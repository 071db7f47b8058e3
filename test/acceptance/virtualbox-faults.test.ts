import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeHere } from '../support/describe-here.js';
import { killPointsOf, removeAfterKill, surviveKill } from '../support/kill-matrix.js';
import { createTiny, NOTHING } from '../support/tiny-machines.js';
import { noVirtualBoxLab, VirtualBoxLab } from '../support/virtualbox-lab.js';

/** Up to the guest, and then Ctrl-C. */
const INTERRUPTED = { status: 130, stderr: expect.stringContaining('Interrupted') };
const seed = Number(process.env['TMACHINE_TEST_SEED'] ?? randomInt(1_000_000));

describeHere('P28: faults on a real VirtualBox leave nothing behind', noVirtualBoxLab(), () => {
  let lab: VirtualBoxLab;

  beforeEach(async () => {
    lab = await VirtualBoxLab.open();
  });
  afterEach(() => lab?.close());

  const points = killPointsOf(seed, 5);

  test.each(points.slice(0, 3))(
    `kill -9 $when VBoxManage call $call of create, then create and rm (TMACHINE_TEST_SEED=${seed})`,
    (point) => surviveKill(lab, point),
  );

  test.each(points.slice(3))(
    `kill -9 $when VBoxManage call $call of create, then rm (TMACHINE_TEST_SEED=${seed})`,
    (point) => removeAfterKill(lab, point),
  );

  test('VBoxSVC killed in the middle of create: the same create goes on, and rm clears all', async () => {
    const words = [...createTiny(lab), 'served'];
    let isKilled = false;
    const cut = await lab.tmachine(words, {
      onStdout: (all, kill) => {
        if (!isKilled && all.includes('Starting the VM...')) {
          isKilled = true;
          for (const pid of lab.pids('VBoxSVC')) process.kill(pid, 'SIGKILL');
        }
        if (all.includes('Waiting for SSH to be available...')) kill('SIGINT');
      },
    });
    // It may not even notice: the next call starts another VBoxSVC. Otherwise it says what to do.
    expect([1, 130]).toContain(cut.status);
    expect(cut.stderr).toMatch(/Next|Interrupted/);
    expect(await lab.untilGuest(words)).toMatchObject(INTERRUPTED);
    expect((await lab.info('served'))['VMState']).toBe('running');
    expect(await lab.tmachine(['rm', '-y', 'served'])).toMatchObject({ status: 0 });
    expect(await lab.inventory()).toEqual(NOTHING);
  });

  test('an answer of VBoxManage that is cut off is said; nothing is stopped, killed or removed by it', async () => {
    expect(await lab.untilGuest([...createTiny(lab), 'dev'])).toMatchObject(INTERRUPTED);
    lab.finish('dev');
    lab.calls();
    for (const answer of ['', 'name="dev"\ngroups="/"\n']) {
      lab.answerStates(answer);
      for (const words of [['status'], ['stop'], ['kill'], ['start'], ['rm', '-y']]) {
        const outcome = await lab.tmachine([...words, 'dev']);
        expect({ words, ...outcome }).toMatchObject({
          words,
          status: 1,
          stderr: expect.stringMatching(
            /does not tell what state the machine is in[\s\S]*Next .*showvminfo dev/,
          ),
        });
      }
    }
    expect(lab.calls().filter((call) => !/^(?:showvminfo|list|--version)/.test(call))).toEqual([]);
    lab.answerStates(undefined);
    expect((await lab.info('dev'))['VMState']).toBe('running');
    expect(await lab.tmachine(['rm', '-y', 'dev'])).toMatchObject({ status: 0 });
    expect(await lab.inventory()).toEqual(NOTHING);
  });

  test('the adapter that was made stays while a machine of the user is on it, by whichever card, and goes with the next', async () => {
    expect(await lab.untilGuest([...createTiny(lab), 'dev'])).toMatchObject(INTERRUPTED);
    await lab.vboxmanage('createvm', '--basefolder', lab.directory, '--name', 'theirs', '--register');
    await lab.vboxmanage('modifyvm', 'theirs', '--nic3', 'hostonly', '--host-only-adapter3', 'vboxnet0');
    expect(await lab.tmachine(['rm', '-y', 'dev'])).toMatchObject({ status: 0 });
    expect(await lab.inventory()).toMatchObject({ machines: ['theirs'], adapters: ['vboxnet0'] });
    await lab.vboxmanage('unregistervm', 'theirs', '--delete');
    expect(await lab.untilGuest([...createTiny(lab), 'dev'])).toMatchObject(INTERRUPTED);
    expect(await lab.tmachine(['rm', '-y', 'dev'])).toMatchObject({ status: 0 });
    expect(await lab.inventory()).toEqual(NOTHING);
  });

  test('a virtual machine that somebody made under the same name is not touched', async () => {
    await lab.vboxmanage('createvm', '--basefolder', lab.directory, '--name', 'theirs', '--register');
    const theirs = (await lab.info('theirs'))['UUID'];
    const outcome = await lab.untilGuest([...createTiny(lab), 'theirs']);
    expect([1, 3, 130]).toContain(outcome.status);
    if (outcome.status === 130) await lab.tmachine(['rm', '-y', 'theirs']);
    expect((await lab.info('theirs'))['UUID']).toBe(theirs);
    await lab.vboxmanage('unregistervm', 'theirs', '--delete');
    await lab.tmachine(['rm', '-f', '-y', 'theirs']);
    expect(await lab.inventory()).toEqual(NOTHING);
  });
});
