import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StoreError } from '../../core/errors.js';
import { isJsonObject } from '../../core/json.js';
import { newUuid } from './identifiers.js';
import type { VirtualBoxPorts } from './ports.js';

/**
 * What is to be remembered of host-only networks: the adapters that are of our making, so that one whose making was cut off is used by the next try, and
 * none is removed that is somebody else's; and addresses that were promised to machines. Read and written under the host-only lock only.
 */
export interface MadeAdapters {
  /** Adapter name to the network it was set up for; empty: its set-up was cut off. */
  readonly made: ReadonlyMap<string, string>;
  /** An adapter is about to be made: whichever is not among these names then is ours. */
  readonly before?: readonly string[];
  /** Machine name to the address that its first disk names. */
  readonly promised: ReadonlyMap<string, string>;
}

type Ports = Pick<VirtualBoxPorts, 'sharedDirectory' | 'files' | 'random'>;

const FILE = 'virtualbox-adapters.json';

/** What is known; nothing when the file is absent or damaged. */
export async function readMadeAdapters({
  sharedDirectory,
}: Pick<Ports, 'sharedDirectory'>): Promise<MadeAdapters> {
  let stored: unknown;
  try {
    stored = JSON.parse(await readFile(join(sharedDirectory, FILE), 'utf8'));
  } catch {
    return { made: new Map(), promised: new Map() };
  }
  const { made, before, promised }: { made?: unknown; before?: unknown; promised?: unknown } = isJsonObject(
    stored,
  )
    ? stored
    : {};
  return {
    made: textMap(made),
    ...(Array.isArray(before) && { before: before.filter((it) => typeof it === 'string') }),
    promised: textMap(promised),
  };
}

function textMap(value: unknown): ReadonlyMap<string, string> {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return new Map(entries.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : [])));
}

/** Atomic. Throws StoreError: an adapter that nobody knows to be ours would stay for ever. */
export async function writeMadeAdapters(adapters: MadeAdapters, ports: Ports): Promise<void> {
  const { sharedDirectory, files, random } = ports;
  const target = join(sharedDirectory, FILE);
  const temporary = `${target}.${newUuid(random)}`;
  const { made, before, promised } = adapters;
  try {
    await mkdir(sharedDirectory, { recursive: true, mode: 0o700 });
    const text = JSON.stringify({
      made: Object.fromEntries(made),
      ...(before && { before }),
      ...(promised.size > 0 && { promised: Object.fromEntries(promised) }),
    });
    await writeFile(temporary, text, { mode: 0o600 });
    await files.replace(temporary, target);
  } catch (error) {
    await files.discard(temporary);
    if (error instanceof StoreError) throw error;
    throw new StoreError({
      code: 'STORE_WRITE',
      message: `Could not write ${target}`,
      reason: messageOf(error),
      nextSteps: ['look at the free space and the owner of that directory'],
      cause: error,
    });
  }
}

/** The same with an adapter's making finished, cut off (`cidr` empty) or undone (`cidr` undefined). */
export function withAdapter(adapters: MadeAdapters, name: string, cidr: string | undefined): MadeAdapters {
  const made = new Map(adapters.made);
  if (cidr === undefined) made.delete(name);
  else made.set(name, cidr);
  return { made, promised: adapters.promised };
}

/** What a making that was cut off has left among the adapters that there are now: known as ours from now on. */
export function withLeftovers(adapters: MadeAdapters, namesNow: readonly string[]): MadeAdapters {
  const { made, before, promised } = adapters;
  const kept = [...made].filter(([name]) => namesNow.includes(name));
  const found =
    before === undefined ? [] : namesNow.filter((name) => !before.includes(name) && !made.has(name));
  return { made: new Map([...kept, ...found.map((name) => [name, ''] as const)]), promised };
}

/** The same with an address promised to a machine, or with its promise taken back (`address` undefined). */
export function withPromise(
  adapters: MadeAdapters,
  machineName: string,
  address: string | undefined,
): MadeAdapters {
  const promised = new Map(adapters.promised);
  if (address === undefined) promised.delete(machineName);
  else promised.set(machineName, address);
  return { ...adapters, promised };
}

/** What was promised to all others. */
export function promisedToOthers({ promised }: MadeAdapters, machineName: string): string[] {
  return [...promised].flatMap(([name, address]) => (name === machineName ? [] : [address]));
}

/** An adapter whose making was cut off has whatever address VirtualBox gave it: it stands for nothing yet. */
export function isUnfinished({ made }: MadeAdapters, name: string): boolean {
  return made.get(name) === '';
}
