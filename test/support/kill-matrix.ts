import { expect } from '@jest/globals';
import { createTiny, NOTHING } from './tiny-machines.js';
import type { VirtualBoxLab } from './virtualbox-lab.js';

/** A moment of `create` at which tmachine is killed: its n-th call of VBoxManage. */
export interface KillPoint {
  readonly call: number;
  readonly when: 'before' | 'during';
}

/** More than `create` makes up to the start of its machine, so that the last ones fall into the wait for the guest. */
const CALLS = 14;

export const ALL_KILL_POINTS: readonly KillPoint[] = Array.from(
  { length: CALLS },
  (_, index) => index + 1,
).flatMap((call) => [
  { call, when: 'before' as const },
  { call, when: 'during' as const },
]);

/** So many of them, by a seed: the same seed gives the same points. */
export function killPointsOf(seed: number, count: number): readonly KillPoint[] {
  const left = [...ALL_KILL_POINTS];
  let state = seed;
  return Array.from({ length: count }, () => {
    // A linear congruential generator is enough to pick from a list (constants: Numerical Recipes).
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const [point] = left.splice(state % left.length, 1);
    if (point === undefined) throw new Error('there are not so many points');
    return point;
  });
}

/** Kills a `create` at that point, creates again, removes: nothing may be left. */
export async function surviveKill(lab: VirtualBoxLab, { call, when }: KillPoint): Promise<void> {
  const words = [...createTiny(lab), 'killed'];
  lab.killAt(call, when);
  const killed = await lab.untilGuest(words);
  const isKilled = killed.signal === 'SIGKILL';
  // A create that reached the guest before its n-th call was interrupted there.
  expect({ isKilled, status: killed.status }).toEqual(
    isKilled ? { isKilled, status: null } : { isKilled, status: 130 },
  );
  lab.spare();
  const again = await lab.untilGuest(words);
  expect({ status: again.status, stderr: again.stderr }).toEqual({
    status: 130,
    stderr: expect.stringContaining('Interrupted'),
  });
  expect((await lab.info('killed'))['VMState']).toBe('running');
  const { machines, disks, adapters, fixedAddresses } = await lab.inventory();
  expect({ machines, disks: disks.length, adapters, fixedAddresses: fixedAddresses.length }).toEqual({
    machines: ['killed'],
    disks: 1,
    adapters: ['vboxnet0'],
    fixedAddresses: 1,
  });
  expect(await lab.tmachine(['rm', '-y', 'killed'])).toMatchObject({ status: 0 });
  expect(await lab.inventory()).toEqual(NOTHING);
  expect(lab.pids('VBoxHeadless')).toEqual([]);
}

/** Kills a `create` at that point and removes what is there: nothing may be left. */
export async function removeAfterKill(lab: VirtualBoxLab, { call, when }: KillPoint): Promise<void> {
  lab.killAt(call, when);
  await lab.untilGuest([...createTiny(lab), 'killed']);
  lab.spare();
  // Before the machine is recorded there is nothing to remove.
  const listed = await lab.tmachine(['ls', '-q']);
  if (listed.stdout.includes('killed')) {
    expect(await lab.tmachine(['rm', '-y', 'killed'])).toMatchObject({ status: 0 });
  }
  expect(await lab.inventory()).toEqual(NOTHING);
  expect(lab.pids('VBoxHeadless')).toEqual([]);
}
