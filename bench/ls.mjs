// `ls` with many machines of the driver `none`: CPU, wall time and memory. Their engines do not answer (nothing listens),
// and once they all do. A docker-machine on PATH runs with them.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled } from '../scripts/prepare.mjs';
import { describeComputer, inTemporaryFolder, measure, PROGRAM, peakMiB, report } from './harness.mjs';
import { createMachine, multiply, serveEngine } from './none-store.mjs';

const COUNTS = [1, 20, 100, 1000];

console.log(`ls (${describeComputer()})`);
for (const answering of [false, true]) {
  for (const count of COUNTS) await compare(count, answering);
}

async function compare(count, answering) {
  await inTemporaryFolder(async (folder) => {
    const store = join(folder, 'store');
    createMachine(store, 'first', 'tcp://127.0.0.1:1');
    const engine = await serveEngine(store, folder);
    createMachine(store, 'box', `tcp://127.0.0.1:${answering ? engine.port : 1}`);
    // The first machine only brought the certificates.
    rmSync(join(store, 'machines', 'first'), { recursive: true });
    multiply(store, 'box', count - 1);

    const args = ['-s', store, 'ls', '--timeout', '60'];
    const contestants = [
      { name: 'node -e 0', command: [process.execPath, '-e', '0'] },
      { name: 'ls', command: [process.execPath, PROGRAM, ...args] },
      ...(isInstalled('docker-machine')
        ? [{ name: 'docker-machine ls', command: ['docker-machine', ...args] }]
        : []),
    ];
    const measured = await measure(contestants, count > 100 ? 5 : 15);
    report(`${count} machines, engines ${answering ? 'answer' : 'do not answer'}`, measured, measured[0]);
    const peer = measured[2];
    if (peer !== undefined)
      console.log(`  ls / docker-machine ls: ${(measured[1].cpuMs / peer.cpuMs).toFixed(2)}`);
    console.log(`  peak memory ${(await peakMiB([PROGRAM, ...args])).toFixed(0)} MiB`);
    engine.close();
  });
}
