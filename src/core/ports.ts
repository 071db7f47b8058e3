import type { SshTarget } from './driver.js';
import type { TmachineError } from './errors.js';
import type { MachineImage, MachineRecord } from './machine.js';
import type { ProxyChoice, ProxyUrl } from './proxy.js';
import type { Reporter } from './reporter.js';

/** Time as an argument. */
export interface Clock {
  /** Milliseconds since 1970, UTC. May jump. */
  now(): number;
  /** Milliseconds that only grow; for measuring. */
  monotonic(): number;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it is raised. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  bytes(count: number): Uint8Array;
}

export interface RunOptions {
  /** Added to (not replacing) a minimal environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Undefined when a signal ended the program. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** External programs by argument array, never a shell line; never from the current directory. */
export interface ProcessRunner {
  /** The absolute path of a program on PATH, or undefined. On Windows PATHEXT is honoured. */
  find(program: string): Promise<string | undefined>;
  /** Runs to the end and captures (up to 16 MiB a stream). Throws ToolError when it cannot start or exceeds its time. */
  run(file: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Lends the terminal; resolves with the exit code (128 + n after signal n). */
  attach(file: string, args: readonly string[], options?: RunOptions): Promise<number>;
  /** Starts a program that outlives us, its output appended to a 0600 file; resolves when it has started. */
  launch(file: string, args: readonly string[], options: LaunchOptions): Promise<ProcessIdentity>;
}

export interface StreamOptions {
  /** For its standard input; may hold secrets. */
  readonly input: string;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

export interface RunningProgram {
  /** Its standard output, to be read once. */
  readonly output: AsyncIterable<Uint8Array>;
  /** When it has ended; never rejects. The status is undefined when it could not start or a signal ended it. */
  readonly ended: Promise<{ readonly status: number | undefined; readonly stderr: string }>;
  /** Ends it; nothing when it has ended. */
  stop(): void;
}

/** Programs whose output is read while they run. Neither input nor output is logged. */
export interface ProgramStreams {
  /** As ProcessRunner's. */
  find(program: string): Promise<string | undefined>;
  stream(file: string, args: readonly string[], options: StreamOptions): RunningProgram;
}

export interface LaunchOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly outputPath: string;
}

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** An opaque text that changes when the number is reused: boot id and start time. Empty: cannot be told here. */
  readonly startedAt: string;
}

/** The processes of this host. */
export interface ProcessTable {
  /** This very process. */
  self(): Promise<ProcessIdentity>;
  /** The process that has this number now; undefined when there is none. */
  identify(pid: number): Promise<ProcessIdentity | undefined>;
  /** True while exactly this process exists (a stopped one does, a zombie does not). */
  isAlive(process: ProcessIdentity): Promise<boolean>;
  /** Sends a signal to exactly this process; nothing when it is gone. */
  signal(process: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Free TCP ports on 127.0.0.1. */
export interface LoopbackPorts {
  /** `preferred` when it is free now, else another free one. 0 or undefined: any. */
  free(preferred?: number): Promise<number>;
  isFree(port: number): Promise<boolean>;
}

/** Whether something listens on a TCP port. */
export interface TcpProbe {
  isOpen(
    host: string,
    port: number,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<boolean>;
}

/** Facts of this computer and of the caller's environment, read once. */
export interface HostFacts {
  readonly platform: 'linux' | 'darwin' | 'win32';
  readonly arch: string;
  readonly hostName: string;
  readonly userName: string;
  readonly cpuCount: number;
  readonly memoryMiB: number;
  readonly homeDirectory: string;
  readonly temporaryDirectory: string;
  /** Changes with every boot of this host; empty when it cannot be told. */
  readonly bootId: string;
  /** Tells this computer, and the space of its process numbers, from another one of the same name; empty when it cannot be told. */
  readonly hostId?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Every path in the store, once (contract: store.md section 1). */
export interface StoreLayout {
  readonly root: string;
  readonly certs: string;
  readonly cache: string;
  readonly machines: string;
  machine(name: string): MachinePaths;
}

export interface MachinePaths {
  readonly directory: string;
  readonly config: string;
  readonly notes: string;
  readonly image: string;
  /** What `image` was before the last upgrade. */
  readonly previousImage: string;
  readonly sshKey: string;
  readonly caCert: string;
  readonly clientCert: string;
  readonly clientKey: string;
  readonly serverCert: string;
  readonly serverKey: string;
}

/** Locks between processes. A machine's lock covers its record and its virtual machine. */
export type LockName =
  | { readonly machine: string }
  | 'certificates'
  | { readonly cache: string }
  | 'host-only';

export interface LockOptions {
  readonly signal: AbortSignal;
  /** Called once when the lock is held by another process, with its description. */
  readonly onWait?: (holder: string) => void;
  /** How long to wait for the holder; default 10 minutes. */
  readonly waitMs?: number;
}

export interface MachineStore {
  readonly layout: StoreLayout;
  /** Names of the directories below `machines/`, byte-sorted, without those that begin with a dot. */
  list(): Promise<string[]>;
  exists(name: string): Promise<boolean>;
  /** Throws MachineNotFoundError, or StoreError with the contract's text for a record that cannot be read. Never writes. */
  load(name: string): Promise<MachineRecord>;
  /** config.json as `inspect` prints it: docker-machine's keys and order, 4 spaces. */
  render(record: MachineRecord): string;
  /**
   * Atomic; the previous generation stays as config.json.previous. With `forgets` it is this one too: what the record does not say any more,
   * perhaps a password, is in no file.
   */
  save(record: MachineRecord, options?: { readonly forgets?: boolean }): Promise<void>;
  /** Deletes the machine's directory; nothing when it is gone. */
  remove(name: string): Promise<void>;
  lock<T>(name: LockName, options: LockOptions, work: () => Promise<T>): Promise<T>;
  /** Undefined when there is no such file; StoreError when it cannot be read. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Atomic replace below the store; parents made with 0700. */
  writeFile(path: string, content: string | Uint8Array, mode: number): Promise<void>;
  /** Nothing when it is gone. Throws StoreError. */
  removeFile(path: string): Promise<void>;
  /**
   * Makes a whole directory (0700) with its files appear at once, by staging and renaming it; false, and nothing changed, when
   * `path` is already there. The certificate authority and its first client certificate are made so (P22).
   */
  writeDirectory(
    path: string,
    files: ReadonlyMap<string, { content: string; mode: number }>,
  ): Promise<boolean>;
  /** A copy by the file system's own means where it can (reflink), else by bytes; atomic; keeps nothing half-written. */
  copyFile(from: string, to: string, mode: number): Promise<void>;
}

/** A certificate with its private key, both PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateFacts {
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Subject alternative names as they were asked for: addresses and DNS names. */
  readonly names: readonly string[];
}

/** Makes certificates; touches no file. Lifetimes and subjects as in the contract (create-flow.md section 11). */
export interface CertificateAuthority {
  createAuthority(organization: string): Promise<CertifiedKey>;
  issueClient(authority: CertifiedKey, organization: string): Promise<CertifiedKey>;
  issueServer(
    authority: CertifiedKey,
    request: {
      readonly organization: string;
      readonly names: readonly string[];
      readonly alsoClient: boolean;
    },
  ): Promise<CertifiedKey>;
  /** Throws StoreError when the text is no certificate. */
  describe(certificate: string): CertificateFacts;
  /** True when `key` is the certificate's own key. */
  matches(pair: CertifiedKey): boolean;
  /** True when `certificate` was signed by `authority`. */
  isIssuedBy(certificate: string, authority: string): boolean;
}

/** Who asks, and whom the engine must prove to be; all PEM. */
export interface EngineTarget {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface EngineVersion {
  readonly version: string;
  readonly apiVersion: string;
  readonly minApiVersion: string;
}

/** Why an engine does not answer (P21): each has its own sentence and its own way out. */
export type EngineFault =
  | 'port-closed'
  | 'no-route'
  | 'timed-out'
  | 'not-tls'
  | 'unknown-authority'
  | 'wrong-name'
  | 'expired'
  | 'not-yet-valid'
  | 'client-refused'
  | 'not-ready';

export type EngineAnswer =
  | {
      readonly ok: true;
      readonly version: EngineVersion | undefined;
      /** The engine's clock when it answered, in full seconds (HTTP's Date): milliseconds since 1970. Absent when it did not say. */
      readonly clockMs?: number;
    }
  | {
      readonly ok: false;
      readonly fault: EngineFault;
      readonly detail: string;
      readonly blame?: EngineBlame;
    };

/** What a fault of certificates is about, where that decides the way out. */
export type EngineBlame = 'server-certificate' | 'client-certificate' | 'authority' | 'guest-clock';

export interface ProbeOptions {
  /** For the whole answer. */
  readonly timeoutMs: number;
  /** For the TCP connection alone: a host that swallows packets is told apart sooner. Default: `timeoutMs`. */
  readonly connectMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Asks the engine over verified TLS. Never through a proxy (P05). Throws StoreError when the certificates of `target` cannot
 * be used at all, and the signal's reason.
 */
export interface EngineProbe {
  /** `GET /_ping`: the answer that counts as ready. */
  ping(target: EngineTarget, options: ProbeOptions): Promise<EngineAnswer>;
  /** `GET /version`, without a version in the path: every engine answers it. */
  version(target: EngineTarget, options: ProbeOptions): Promise<EngineAnswer>;
}

export interface SshKeyPair {
  /** PEM that old readers take too: PKCS#1 for RSA, OpenSSH format for ed25519. */
  readonly privateKey: string;
  /** `type base64` and a line end, no comment. */
  readonly publicKey: string;
}

/** A command's outcome in the guest. */
export interface GuestResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A login in the guest. Values never become part of a command line unless they go through `quote` (ssh/quote.ts) first. */
export interface GuestShell {
  /** Runs a POSIX shell script that the project wrote; arguments become $1, $2 ... Throws GuestError on a lost connection. */
  run(
    script: string,
    args?: readonly string[],
    options?: { input?: string | Uint8Array; timeoutMs?: number },
  ): Promise<GuestResult>;
}

export interface SshSession extends GuestShell {
  /** The key that the guest showed, as `type base64`. */
  readonly hostKey: string;
  close(): Promise<void>;
}

export interface SshConnectOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The pinned key, or undefined on the first contact. Another key throws GuestError `SSH_HOST_KEY_CHANGED` (P24). */
  readonly hostKey: string | undefined;
}

export interface SshConnector {
  /** The banner line of whatever listens, or undefined: evidence that sshd is up, without a login. */
  banner(
    host: string,
    port: number,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<string | undefined>;
  connect(target: SshTarget, options: SshConnectOptions): Promise<SshSession>;
  generateKey(type: 'ed25519' | 'rsa'): Promise<SshKeyPair>;
  /**
   * `tmachine ssh NAME ARGS...` with the caller's streams: a shell without ARGS, else the words joined by spaces as
   * ssh does. Resolves with the remote exit status.
   */
  session(target: SshTarget, args: readonly string[], options: SshConnectOptions): Promise<number>;
}

/** A boot image that is ready to be used. */
export interface BootImage extends MachineImage {
  readonly path: string;
  /** Where it came from, for the log: a URL, a path, a package. */
  readonly origin: string;
}

/** Finds or fetches the boot image (design: image sources in order). */
export interface ImageSource {
  /**
   * `url` empty: cached image, installed package, latest release. Prints the contract's lines 4 to 8.
   * Throws DownloadError or StoreError.
   */
  locate(request: {
    readonly url: string;
    /** Looks for a newer release even when an image is there; keeps the one that is there when there is none, or no network. */
    readonly newest?: boolean;
    /** For the cache itself, not for a machine, which would get a copy and a remark on its URL. */
    readonly forCache?: boolean;
    readonly reporter: Reporter;
    readonly signal: AbortSignal;
  }): Promise<BootImage>;
  /** The facts of an image file on disk. Throws DownloadError (stage content) when it is no boot image. */
  describe(path: string): Promise<MachineImage>;
  /**
   * What `locate` without a URL takes and needs no network for; undefined when it would have to download. Prints nothing. Throws as
   * `describe` does.
   */
  findLocal(signal: AbortSignal): Promise<BootImage | undefined>;
}

/** A file of the image cache, or the image of an installed package. */
export interface ShelvedImage {
  readonly path: string;
  /**
   * `default` is what `create` takes when none is named; `url` was fetched for a URL flag; `unfinished` is left of a download; `file` lies
   * anywhere else.
   */
  readonly kind: 'default' | 'url' | 'package' | 'unfinished' | 'file';
  readonly bytes: number;
  /** Undefined for an unfinished one and for one that is no image: `fault` says why. */
  readonly facts?: MachineImage | undefined;
  readonly fault?: string | undefined;
  /** This release vouches for it. */
  readonly isVerified: boolean;
}

/** The boot images on this computer. */
export interface ImageShelf {
  /** The image that `create` takes when none is named lies here. */
  readonly defaultPath: string;
  /** Reads every image: 40 ms for 60 MiB. Throws StoreError when the cache cannot be read. */
  list(signal: AbortSignal): Promise<readonly ShelvedImage[]>;
  /** A file anywhere; undefined when there is none. */
  look(path: string, signal: AbortSignal): Promise<ShelvedImage | undefined>;
  /** True when this release vouches for an image with this SHA-256. */
  knows(digest: string): boolean;
  /** Deletes a file of the cache with what is noted of it; false when it is in use or cannot be deleted. */
  remove(image: ShelvedImage, signal: AbortSignal): Promise<boolean>;
  /** Where a browser gets what `url` means (empty: the default image). Throws UsageError for what is no URL. */
  browserUrl(url: string): string;
}

/** One step of the way to a URL. */
export interface Hop {
  /** `machine`: getting inside, before the way itself. */
  readonly name: 'machine' | 'proxy' | 'name' | 'connection' | 'tunnel' | 'certificate' | 'answer';
  /** False for what ends the way. */
  readonly ok: boolean;
  /** What was found, without secrets. */
  readonly text: string;
  readonly reason?: string | undefined;
  readonly nextSteps: readonly string[];
}

/** Looks at the way from this computer to a URL. */
export interface RouteChecker {
  /** The steps up to the first that fails; redirects are followed. Throws the signal's reason. */
  check(
    url: string,
    call: { readonly reporter: Reporter; readonly signal: AbortSignal },
  ): Promise<readonly Hop[]>;
}

/** Which proxy a URL goes through, with every source asked (design: the resolver's order). */
export interface ProxyResolver {
  /**
   * Asks flags, environment, PAC script and operating system, in this order and no further than needed. Throws UsageError or
   * HostNotReadyError for a setting that cannot be used, DownloadError when the script of `--proxy-pac` cannot be had.
   */
  resolve(
    url: string,
    call: { readonly reporter: Reporter; readonly signal: AbortSignal },
  ): Promise<ProxyChoice>;
  /** Told of a proxy (or `direct`) that cannot be reached: the others of a PAC script's list come before it from now on. */
  avoid?(proxy: ProxyUrl): void;
  /** Told of a proxy that refused its login: `resolve` throws this in place of naming it again, lest the user's account be locked. */
  refused?(proxy: ProxyUrl, failure: TmachineError): void;
}

/** Certificates of authorities, trusted beside Node's own list. */
export interface TrustedAuthorities {
  /** Where they came from: `--ca-cert /etc/corp.pem`, `SSL_CERT_FILE`, `the system store ...`. */
  readonly from: string;
  /** PEM, one certificate each. */
  readonly certificates: readonly string[];
}

/** Whom this computer trusts to vouch for a server. Each is read once. */
export interface TrustStore {
  /** `--ca-cert`, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS. Throws UsageError for a `--ca-cert` that cannot be used; the others only warn. */
  named(call: { readonly reporter: Reporter }): Promise<readonly TrustedAuthorities[]>;
  /** The operating system's store; nothing when it cannot be read, which `debug` tells. */
  system(call: { readonly reporter: Reporter }): Promise<readonly TrustedAuthorities[]>;
}

/** What the actions need of the world. */
export interface Ports {
  readonly clock: Clock;
  readonly facts: HostFacts;
  readonly store: MachineStore;
  readonly certificates: CertificateAuthority;
  readonly engine: EngineProbe;
  readonly ssh: SshConnector;
  readonly images: ImageSource;
  readonly shelf: ImageShelf;
  readonly routes: RouteChecker;
}

/** Replacing and deleting files where a scanner or another process may hold them for a while (P08, P09). */
export interface FileSwaps {
  /**
   * Renames `temporary` (already synced and closed) over `target`. EPERM, EACCES and EBUSY are retried with back-off for up to 60 s; after
   * 2 s `onHeld` is told once which file is held. The old target stays until the new one is in place. Throws StoreError.
   */
  replace(
    temporary: string,
    target: string,
    options?: { readonly signal?: AbortSignal; readonly onHeld?: (line: string) => void },
  ): Promise<void>;
  /** Deletes a file with the same patience but 2 s at most; false when it is still there: never an error. */
  discard(path: string): Promise<boolean>;
}
