import { type Check, note, ok, problem } from './check.js';
import type { DiagnosisParts, FoundLock } from './parts.js';

/** The boot image, and what a new engine writes before the first container. */
const LEAST_FREE_MIB = 300;

/** The store's place on the disk, and who holds its locks. */
export async function checkStore(parts: DiagnosisParts): Promise<readonly Check[]> {
  const { root, exists, notWritable, freeMib, locks } = await parts.inspectStore();
  const checks: Check[] = [];
  if (notWritable !== undefined) {
    checks.push(
      problem('store', {
        code: 'STORE_NOT_WRITABLE',
        text: `${root} cannot be written`,
        reason: notWritable,
        nextSteps: [
          'make it writable for this user, or keep the machines elsewhere: --storage-path, MACHINE_STORAGE_PATH',
        ],
        stopsCreate: true,
      }),
    );
  } else {
    checks.push(ok('store', exists ? `${root} can be written` : `${root} is not there yet and can be made`));
  }
  if (freeMib !== undefined) checks.push(freeSpace(root, freeMib));
  return [...checks, ...locks.map(lockCheck)];
}

function freeSpace(root: string, freeMib: number): Check {
  if (freeMib >= LEAST_FREE_MIB) return ok('store', `${freeMib} MB are free there`);
  return problem('store', {
    code: 'DISK_FULL',
    text: `only ${freeMib} MB are free in ${root}`,
    reason: `the boot image and an empty engine need about ${LEAST_FREE_MIB} MB`,
    nextSteps: ['free some space, or keep the machines elsewhere: --storage-path, MACHINE_STORAGE_PATH'],
    stopsCreate: true,
  });
}

function lockCheck(lock: FoundLock): Check {
  switch (lock.state) {
    case 'held':
      return note('store', {
        code: 'LOCK_HELD',
        text: `a command is at work on ${lock.title}: ${lock.holder}`,
      });
    case 'dead':
      return note('store', {
        code: 'LOCK_OF_DEAD',
        text: `a command that is gone has left its lock on ${lock.title}: ${lock.holder}`,
        reason: 'it was killed, or the computer lost its power',
        nextSteps: ['nothing: the next command takes it over'],
      });
    case 'elsewhere':
      return note('store', {
        code: 'LOCK_ELSEWHERE',
        text: `${lock.title} is locked from elsewhere: ${lock.holder}`,
        reason: 'whether that process still runs cannot be seen from here',
        nextSteps: [`if it does not, delete the lock: ${lock.path}`],
      });
    case 'unreadable':
      return problem('store', {
        code: 'LOCK_UNREADABLE',
        text: `the lock of ${lock.title} cannot be read`,
        reason: lock.holder,
        nextSteps: [`when no command is at work, delete it: ${lock.path}`],
      });
  }
}
