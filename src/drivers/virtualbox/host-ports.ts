import type { DriverContext } from '../../core/driver.js';
import type { VirtualBoxPorts } from './ports.js';
import { type VirtualBoxSettings, withBase } from './settings.js';
import type { Forward } from './settings-file.js';
import { type Dialect, optionName } from './version.js';

/** The engine's port inside the guest. */
export const GUEST_ENGINE_PORT = 2376;
const GUEST_SSH_PORT = 22;
const LOOKS = 8;
const PAUSE_MS = 100;

/** The settings with ports of 127.0.0.1 that are free now: those of the last start, which move with a line when another program has them. */
export async function withFreePorts(
  settings: VirtualBoxSettings,
  ports: Pick<VirtualBoxPorts, 'loopback' | 'clock'>,
  context: Pick<DriverContext, 'reporter' | 'signal'>,
): Promise<VirtualBoxSettings> {
  const choose = async (service: string, last: number): Promise<number> => {
    if (last !== 0 && (await becomesFree(last, ports, context.signal))) return last;
    const port = await ports.loopback.free();
    if (last !== 0) {
      context.reporter.step(
        `Port ${last} for ${service} is in use by another program, using ${port} from now on...`,
      );
    }
    return port;
  };
  const sshPort = await choose('SSH', settings.base.SSHPort);
  const enginePort = settings.network === 'nat' ? await choose('Docker', settings.enginePort) : 0;
  return { ...withBase(settings, { SSHPort: sshPort }), enginePort };
}

/** Looks for a moment: the system takes some time to release the ports of a machine that has just ended. */
async function becomesFree(
  port: number,
  ports: Pick<VirtualBoxPorts, 'loopback' | 'clock'>,
  signal: AbortSignal,
): Promise<boolean> {
  for (let looks = 1; looks < LOOKS; looks += 1) {
    if (await ports.loopback.isFree(port)) return true;
    await ports.clock.sleep(PAUSE_MS, signal);
  }
  return ports.loopback.isFree(port);
}

/** The forwards that the machine is to have; docker-machine's name for the first. */
export function forwardsOf(settings: VirtualBoxSettings): Forward[] {
  const ssh = { name: 'ssh', hostPort: settings.base.SSHPort, guestPort: GUEST_SSH_PORT };
  const engine = { name: 'docker', hostPort: settings.enginePort, guestPort: GUEST_ENGINE_PORT };
  return settings.network === 'nat' ? [ssh, engine] : [ssh];
}

/** The options of `modifyvm` that bring the forwards there; empty when they are. Forwards of other names are the user's. */
export function forwardOptions(
  now: readonly Forward[],
  wanted: readonly Forward[],
  dialect: Pick<Dialect, 'flags'>,
): string[] {
  const option = optionName(dialect, 'nat-pf', 1);
  return ['ssh', 'docker'].flatMap((name) => {
    const [old, next] = [now, wanted].map((forwards) => forwards.find((it) => it.name === name));
    if (old?.hostPort === next?.hostPort && old?.guestPort === next?.guestPort) return [];
    return [
      ...(old === undefined ? [] : [option, 'delete', name]),
      ...(next === undefined ? [] : [option, `${name},tcp,127.0.0.1,${next.hostPort},,${next.guestPort}`]),
    ];
  });
}

/** The settings with the ports that a machine which runs already has. */
export function withForwardsOf(
  settings: VirtualBoxSettings,
  forwards: readonly Forward[],
): VirtualBoxSettings {
  const portOf = (name: string) => forwards.find((it) => it.name === name)?.hostPort;
  return {
    ...withBase(settings, { SSHPort: portOf('ssh') ?? settings.base.SSHPort }),
    enginePort: portOf('docker') ?? settings.enginePort,
  };
}

/** False for a machine that runs at other ports than the record has: its start was cut off before they were saved, and a further one brings them. */
export function isReachedAt(settings: VirtualBoxSettings, forwards: readonly Forward[]): boolean {
  const wanted = forwardsOf(settings).filter(({ hostPort }) => hostPort !== 0);
  return wanted.every(({ name, hostPort }) => {
    const found = forwards.find((it) => it.name === name);
    return found === undefined || found.hostPort === hostPort;
  });
}
