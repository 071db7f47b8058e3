import { expect, test } from '@jest/globals';
import { faultRuns } from '../support/random-faults.js';

const seed = Number(process.env.TMACHINE_TEST_SEED ?? Date.now() % 1_000_000);

// 200 of them: test/long/download-faults.test.ts.
test(`P07, P08: a good image is never replaced by a bad one, over 20 random fault runs (TMACHINE_TEST_SEED=${seed})`, async () => {
  const runs = await faultRuns(seed, 20);
  expect(runs.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
});
