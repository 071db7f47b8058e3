import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostFacts } from '../../src/core/ports.js';
import { type Host, openHost } from '../../src/host/open-host.js';
import { FileStore, type FileStoreParts } from '../../src/store/file-store.js';
import { storeLayout } from '../../src/store/layout.js';

/** A real store of this computer's own processes and clock in a directory of the test's own. */
export interface StoreOnDisk {
  readonly store: FileStore;
  readonly host: Host;
  /** The store's root; its parent is the home directory of the store's user. */
  readonly root: string;
  readonly warnings: string[];
  remove(): Promise<void>;
}

/** `changes` replaces parts of the store: another clock, other processes. */
export async function storeOnDisk(
  changes: Partial<FileStoreParts> = {},
  root?: string,
): Promise<StoreOnDisk> {
  const home = await mkdtemp(join(tmpdir(), 'tmachine-store-'));
  const host = openHost();
  const directory = root ?? join(home, 'store');
  const warnings: string[] = [];
  const facts: HostFacts = Object.create(host.facts, { homeDirectory: { value: home } });
  const store = new FileStore({
    layout: storeLayout(directory, 'linux'),
    facts,
    clock: host.clock,
    random: host.random,
    processTable: host.processTable,
    swaps: host.swaps,
    warn: (line) => warnings.push(line),
    ...changes,
  });
  return {
    store,
    host,
    root: directory,
    warnings,
    remove: () => rm(home, { recursive: true, force: true }),
  };
}
