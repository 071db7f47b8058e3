import { expect, test } from '@jest/globals';
import { faultRuns } from '../support/random-faults.js';

const seed = Number(process.env.TMACHINE_TEST_SEED ?? Date.now() % 1_000_000);
const COUNT = Number(process.env.TMACHINE_TEST_RUNS ?? 200);

test(`P07, P08: a good image is never replaced by a bad one, over ${COUNT} random fault runs (TMACHINE_TEST_SEED=${seed})`, async () => {
  const runs = await faultRuns(seed, COUNT);
  expect(runs.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
  // Otherwise the faults prove nothing: some downloads must get through them and some must not.
  const fetched = runs.filter(({ ending }) => ending === 'fetched').length;
  expect(fetched).toBeGreaterThan(COUNT / 4);
  expect(fetched).toBeLessThan(COUNT);
});
