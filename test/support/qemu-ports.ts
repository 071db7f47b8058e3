import { join } from 'node:path';
import type { HostFacts } from '../../src/core/ports.js';
import type { QemuPorts } from '../../src/drivers/qemu/ports.js';
import { SystemClock } from '../../src/host/clock.js';
import { readHostFacts } from '../../src/host/facts.js';
import { SystemFileSwaps } from '../../src/host/file-swaps.js';
import { SystemLoopbackPorts } from '../../src/host/loopback-ports.js';
import { SystemProcessTable } from '../../src/host/process-table.js';
import { SystemProcesses } from '../../src/host/processes.js';
import { SystemRandom } from '../../src/host/random.js';

/** The real world for the QEMU driver, with `room` for what it keeps between machines. */
export function realQemuPorts(room: string, facts: Partial<HostFacts> = {}): QemuPorts {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const system = readHostFacts();
  const { bootId } = system;
  const allFacts: HostFacts = { ...system, bootId, ...facts };
  const processes = new SystemProcesses({
    facts: system,
    clock,
    identify: (pid) => processTable.identify(pid),
  });
  const processTable: SystemProcessTable = new SystemProcessTable({ facts: system, processes, clock });
  return {
    processes,
    processTable,
    loopback: new SystemLoopbackPorts(system.platform),
    facts: allFacts,
    clock,
    random,
    files: new SystemFileSwaps({ clock, random, platform: system.platform }),
    sharedDirectory: join(room, '.tmachine'),
  };
}
