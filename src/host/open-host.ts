import type {
  Clock,
  FileSwaps,
  HostFacts,
  LoopbackPorts,
  ProcessRunner,
  ProcessTable,
  Random,
} from '../core/ports.js';
import { SystemClock } from './clock.js';
import { readHostFacts } from './facts.js';
import { SystemFileSwaps } from './file-swaps.js';
import { SystemLoopbackPorts } from './loopback-ports.js';
import type { ProcessObserver } from './process-report.js';
import { SystemProcessTable } from './process-table.js';
import { SystemProcesses } from './processes.js';
import { SystemRandom } from './random.js';

/** This computer, as the ports that everything else takes. */
export interface Host {
  readonly facts: HostFacts;
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: ProcessRunner;
  readonly processTable: ProcessTable;
  readonly ports: LoopbackPorts;
  readonly swaps: FileSwaps;
}

/** Touches nothing yet. `observe` is told of every external program. Throws HostNotReadyError on an unknown operating system. */
export function openHost(observe?: ProcessObserver): Host {
  const facts = readHostFacts();
  const clock = new SystemClock();
  const random = new SystemRandom();
  const processes = new SystemProcesses({
    facts,
    clock,
    identify: (pid) => processTable.identify(pid),
    observe,
  });
  const processTable = new SystemProcessTable({ facts, processes, clock });
  return {
    facts,
    clock,
    random,
    processes,
    processTable,
    ports: new SystemLoopbackPorts(facts.platform),
    swaps: new SystemFileSwaps({ clock, random, platform: facts.platform }),
  };
}
