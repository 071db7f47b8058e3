import type { DriverContext } from '../../core/driver.js';
import { TmachineError } from '../../core/errors.js';
import type { HostFacts } from '../../core/ports.js';
import type { QemuPorts } from './ports.js';
import type { QemuSettings } from './settings.js';

/** Where a machine is reached on 127.0.0.1. */
export interface MachinePorts {
  readonly sshPort: number;
  readonly enginePort: number;
}

const PORT_LOOKS = 8;
const PORT_PAUSE_MS = 100;

/**
 * Two free ports: those the user asked for or else those of the last start, which move, with a line to the reporter, when another program
 * has them. Throws TmachineError when one that was asked for is taken.
 */
export async function choosePorts(
  settings: QemuSettings,
  ports: QemuPorts,
  { reporter, signal }: DriverContext,
  machineName: string,
): Promise<MachinePorts> {
  const choose = async (service: string, asked: number, last: number, other: number): Promise<number> => {
    if (asked !== 0) {
      if (await becomesFree(asked, ports, signal)) return asked;
      throw portTakenError(service, asked, machineName, ports.facts.platform);
    }
    if (last !== 0 && last !== other && (await becomesFree(last, ports, signal))) return last;
    let port = await ports.loopback.free();
    while (port === other) port = await ports.loopback.free();
    if (last !== 0) {
      reporter.step(`Port ${last} for ${service} is in use by another program, using ${port} from now on...`);
    }
    return port;
  };
  // The one that the user asked for is not given to the other service.
  const sshPort = await choose('SSH', settings.askedSshPort, settings.base.SSHPort, settings.askedEnginePort);
  const enginePort = await choose('Docker', settings.askedEnginePort, settings.enginePort, sshPort);
  return { sshPort, enginePort };
}

/** Looks for a moment: the system takes some time to release the ports of a QEMU that was killed. */
async function becomesFree(port: number, ports: QemuPorts, signal: AbortSignal): Promise<boolean> {
  for (let looks = 1; looks < PORT_LOOKS; looks += 1) {
    if (await ports.loopback.isFree(port)) return true;
    await ports.clock.sleep(PORT_PAUSE_MS, signal);
  }
  return ports.loopback.isFree(port);
}

/** A port that the user asked for is in use. */
export function portTakenError(
  service: string,
  port: number,
  machineName: string,
  platform: HostFacts['platform'],
): TmachineError {
  return new TmachineError({
    code: 'QEMU_PORT_TAKEN',
    message: portTakenMessage(service, port),
    reason: `machine "${machineName}" was asked to use exactly this port`,
    nextSteps: [
      `see which program has it: ${whoHasPort(port, platform)}`,
      'end that program, or stop the other machine, and try again',
    ],
  });
}

/** The sentence for a taken port. */
export function portTakenMessage(service: string, port: number): string {
  return `Port 127.0.0.1:${port}, asked for ${service}, is in use by another program`;
}

/** The command that names the holder of a port. */
export function whoHasPort(port: number, platform: HostFacts['platform']): string {
  switch (platform) {
    case 'linux':
      return `ss -ltnp 'sport = :${port}'`;
    case 'darwin':
      return `lsof -nP -iTCP:${port} -sTCP:LISTEN`;
    case 'win32':
      return `Get-Process -Id (Get-NetTCPConnection -LocalPort ${port} -State Listen).OwningProcess`;
  }
}
