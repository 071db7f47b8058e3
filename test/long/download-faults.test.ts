import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { missingPrograms, startSquid } from '../download/real-proxies.js';
import { faultRuns } from '../support/random-faults.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const seed = Number(process.env.TMACHINE_TEST_SEED ?? Date.now() % 1_000_000);
const COUNT = Number(process.env.TMACHINE_TEST_RUNS ?? 200);

test(`P07, P08: a good image is never replaced by a bad one, over ${COUNT} random fault runs (TMACHINE_TEST_SEED=${seed})`, async () => {
  const folder = await temporaryDirectory('fault-proxy');
  await chmod(folder.path, 0o755);
  const squid =
    missingPrograms(['squid']).length > 0 ? undefined : await startSquid(join(folder.path, 'squid'));
  const proxy = squid === undefined ? undefined : `http://127.0.0.1:${squid.port}`;
  const runs = await faultRuns(seed, COUNT, proxy);
  await squid?.stop();
  await folder.remove();
  expect(runs.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
  // Otherwise the faults prove nothing: some downloads must get through them and some must not.
  const fetched = runs.filter(({ ending }) => ending === 'fetched').length;
  expect(fetched).toBeGreaterThan(COUNT / 4);
  expect(fetched).toBeLessThan(COUNT);
});
