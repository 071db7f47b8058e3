import type { Driver, FlagValues } from '../driver.js';
import type { ProcessRunner, TcpProbe } from '../ports.js';

/** A lock that lies in the store or beside it. */
export interface FoundLock {
  readonly path: string;
  /** Such as `the machine "dev"`. */
  readonly title: string;
  /** Such as `process 4711 on the computer "desk", since 2026-01-01T00:00:00Z`. */
  readonly holder: string;
  /** `elsewhere`: another computer holds it, or another system on this one, so that its process cannot be looked up from here. */
  readonly state: 'held' | 'dead' | 'elsewhere' | 'unreadable';
}

/** What can be seen of the store's place on the disk. */
export interface StoreInspection {
  readonly root: string;
  /** False before the first machine. */
  readonly exists: boolean;
  /** Why nothing can be written there; undefined when it can. */
  readonly notWritable: string | undefined;
  /** Undefined when the system does not tell. */
  readonly freeMib: number | undefined;
  readonly locks: readonly FoundLock[];
}

/** What a report needs beyond the app. */
export interface DiagnosisParts {
  readonly drivers: readonly Driver[];
  /** What a `create` without flags gives this driver: variables, else defaults. */
  flagsOf(driver: Driver): FlagValues;
  /** As `create` without `--driver`. Throws HostNotReadyError when this computer can run no driver. */
  chooseDriver(): Promise<{ readonly name: string; readonly reason: string }>;
  readonly processes: Pick<ProcessRunner, 'find' | 'run'>;
  readonly tcp: TcpProbe;
  inspectStore(): Promise<StoreInspection>;
  /** Version and build of this program, and what runs it: `Node.js v20.20.0`. */
  readonly program: { readonly version: string; readonly build: string; readonly runtime: string };
  /** What `create` downloads from, first where it asks for the latest release. */
  readonly downloadUrls: readonly string[];
}
