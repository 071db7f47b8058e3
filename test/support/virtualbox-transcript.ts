import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AskedCall, type ReplayedCall, recordedVBoxManage } from './replayed-program.js';

/** How the recordings of one computer become those of another. */
export interface Host {
  /** The adapter that VirtualBox makes. */
  readonly adapter: string;
  /** The address that it gets. */
  readonly adapterAddress: string;
}

/**
 * VBoxManage 7.2 during the `create` of the first machine, as it was recorded on Linux; in what it says of host-only adapters the name and the
 * address of the other computer stand. In the order in which they may be asked; the last of a kind answers from then on.
 */
export async function firstCreate({ adapter, adapterAddress }: Host): Promise<ReplayedCall[]> {
  const calls = await Promise.all(CALLS.map(([name, ...args]) => recordedVBoxManage(name, args)));
  const onHost = (text = '') =>
    text.replaceAll(/\bvboxnet0\b/g, adapter).replaceAll(/\b192\.168\.56\.1\b/g, adapterAddress);
  return calls.map((call) =>
    /hostonlyifs?/.test(call.args.join(' '))
      ? { ...call, stdout: onHost(call.stdout), stderr: onHost(call.stderr) }
      : call,
  );
}

const CALLS: readonly (readonly [string, ...string[]])[] = [
  ['version', '--version'],
  ['list-vms-none', 'list', 'vms'],
  ['list-hostonlyifs-none', 'list', 'hostonlyifs'],
  ['list-dhcpservers-fresh-home', 'list', 'dhcpservers'],
  ['registervm', 'registervm', '*'],
  ['showvminfo-poweroff', 'showvminfo', '*', '--machinereadable'],
  ['showvminfo-running', 'showvminfo', '*', '--machinereadable'],
  ['hostonlyif-create', 'hostonlyif', 'create'],
  ['hostonlyif-ipconfig', 'hostonlyif', 'ipconfig', '***'],
  ['dhcpserver-add', 'dhcpserver', 'add', '***'],
  ['dhcpserver-fixed-address', 'dhcpserver', 'modify', '***'],
  ['modifyvm', 'modifyvm', '***'],
  ['startvm', 'startvm', '***'],
];

/** The address that is kept for the machine, once it has been started; undefined before. */
export function addressOfStarted(calls: readonly AskedCall[]): string | undefined {
  if (!calls.some(({ args }) => args[0] === 'startvm')) return undefined;
  const fixed = calls.map(({ args }) => args).findLast((args) => args.includes('--fixed-address'));
  return fixed?.[fixed.indexOf('--fixed-address') + 1];
}

/** The forward of the machine that was recorded. */
const RECORDED_PORT = '127.0.0.1,52222,';

/**
 * Puts the port that this machine's SSH is forwarded from in the place of the recorded one, as soon as its settings file tells it. True when that
 * is done. To be called until then: the machine is registered some calls before it is started.
 */
export async function adaptPort(transcript: string, directory: string, name: string): Promise<boolean> {
  const settings = await readFile(join(directory, name, `${name}.vbox`), 'utf8').catch(() => '');
  const port = /<Forwarding name="ssh"[^>]* hostport="(\d+)"/.exec(settings)?.[1];
  if (port === undefined) return false;
  const text = await readFile(transcript, 'utf8');
  await writeFile(`${transcript}.new`, text.replaceAll(RECORDED_PORT, `127.0.0.1,${port},`));
  await rename(`${transcript}.new`, transcript);
  return true;
}
