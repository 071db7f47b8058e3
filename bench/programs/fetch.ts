// One download by fetch-file.ts, for bench/download.mjs: URL, proxy, target, CA file or ''. Prints what it took as JSON.
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { fetchFile } from '../../src/download/fetch-file.js';
import { SystemClock } from '../../src/host/clock.js';
import { SystemFileSwaps } from '../../src/host/file-swaps.js';
import { SystemRandom } from '../../src/host/random.js';

const [url = '', proxy = '', target = '', caFile = ''] = process.argv.slice(2);
const clock = new SystemClock();
const random = new SystemRandom();
const authorities = caFile === '' ? [] : [{ from: caFile, certificates: [await readFile(caFile, 'utf8')] }];
// curl's clock does not count its own loading either.
await Promise.all([import('got'), import('proxy-agent').then(({ proxies }) => proxies.http[1]())]);

let lastByteAt = 0;
const begunAt = performance.now();
await fetchFile(
  {
    url,
    target,
    isImage: true,
    reporter: {
      step: () => undefined,
      warn: (line) => console.error(line),
      debug: () => undefined,
      progress: () => ({
        update: () => {
          lastByteAt = performance.now();
        },
        end: () => undefined,
      }),
    },
    signal: new AbortController().signal,
  },
  {
    clock,
    random,
    swaps: new SystemFileSwaps({ clock, random, platform: 'linux' }),
    // Loopback hosts use no proxy: here they are to.
    proxies: { resolve: async () => ({ proxy, from: '--proxy' }) },
    trust: { named: async () => authorities, system: async () => [] },
  },
);
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const took = {
  transferSeconds: (lastByteAt - begunAt) / 1000,
  seconds: (performance.now() - begunAt) / 1000,
  cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
  peakMiB: maxRSS / 1024,
};
console.log(JSON.stringify(took));
