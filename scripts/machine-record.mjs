import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whether a store has the machine, finished. One whose creation was cut off is gone on with by the same `create`; one that docker-machine made
 * has no journal.
 */
export function isComplete(store, name) {
  const machine = join(store, 'machines', name);
  if (!existsSync(join(machine, 'config.json'))) return false;
  try {
    const { journal } = JSON.parse(readFileSync(join(machine, 'tmachine.json'), 'utf8'));
    return journal === undefined || journal.includes('complete');
  } catch {
    return true; // without notes of ours: `start` says what is wrong with it
  }
}
