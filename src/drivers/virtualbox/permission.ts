import type { DriverContext } from '../../core/driver.js';
import type { VirtualBoxPorts } from './ports.js';

/** The contract's lines 16, 18 and 19: said before a call over which Windows asks the user, in a window that is easily missed. */
export function windowsMightAsk(
  what: string,
  { facts }: Pick<VirtualBoxPorts, 'facts'>,
  { reporter }: Pick<DriverContext, 'reporter'>,
): void {
  if (facts.platform !== 'win32') return;
  reporter.step(
    `Windows might ask for the permission to ${what}. Sometimes, such confirmation window is minimized in the taskbar.`,
  );
}
