import type { DriverContext } from '../../core/driver.js';
import { parseCidr } from './cidr.js';
import type { HostOnlyPlace } from './host-only-network.js';
import { hasAddress } from './host-only-range.js';
import { listHostOnlyInterfaces, setAddress } from './network.js';
import type { Tools } from './virtual-machine.js';

/** docker-machine's own pause: Windows takes so long to settle an adapter. */
const REPAIR_PAUSE_MS = 5_000;

/**
 * A host-only adapter may lose its address when a machine starts on it (P14): then the machine is stopped, the adapter repaired and the machine
 * started again, both as `again` has it. Prints the contract's line 20x. Throws HostOnlyUnavailable, VBoxManageError, and what `again` throws.
 */
export async function repairIfCorrupted(
  place: HostOnlyPlace,
  tools: Tools,
  context: DriverContext,
  again: { stop(): Promise<void>; start(): Promise<void> },
): Promise<void> {
  const cidr = parseCidr(place.cidr);
  const interfaces = await listHostOnlyInterfaces(tools, context);
  const adapter = interfaces.find(({ name }) => name === place.adapter);
  if (cidr === undefined || adapter === undefined || hasAddress(adapter, cidr)) return;
  context.reporter.step(
    "The host-only adapter is corrupted. Let's stop the VM, fix the host-only adapter and restart the VM",
  );
  await again.stop();
  await tools.ports.clock.sleep(REPAIR_PAUSE_MS, context.signal);
  await tools.ports.hostOnlyLock({ signal: context.signal }, () =>
    setAddress(place.adapter, cidr, tools, context),
  );
  await tools.ports.clock.sleep(REPAIR_PAUSE_MS, context.signal);
  await again.start();
}
