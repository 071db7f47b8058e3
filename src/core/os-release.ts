import { TmachineError } from './errors.js';
import type { OsRelease, Provisioner } from './provisioner.js';

/** Reads /etc/os-release: `KEY=value`, double or single quotes taken off, other lines passed over. Never throws. */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim());
    if (match?.[1] !== undefined) values.set(match[1], (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2'));
  }
  const get = (key: string) => values.get(key) ?? '';
  return {
    ID: get('ID'),
    ID_LIKE: get('ID_LIKE'),
    VERSION_ID: get('VERSION_ID'),
    PRETTY_NAME: get('PRETTY_NAME'),
  };
}

/** The first provisioner for this system. Throws TmachineError `OS_NOT_RECOGNIZED` naming what was found and what is known. */
export function chooseProvisioner(provisioners: readonly Provisioner[], os: OsRelease): Provisioner {
  const found = provisioners.find((provisioner) => provisioner.supports(os));
  if (found === undefined) {
    throw new TmachineError({
      code: 'OS_NOT_RECOGNIZED',
      verbatim: true,
      message: 'OS type not recognized',
      reason: `the guest calls itself "${os.PRETTY_NAME || os.ID || 'nothing'}" (ID=${os.ID})`,
      nextSteps: [`systems known: ${provisioners.map((known) => known.name).join(', ')}`],
    });
  }
  return found;
}
