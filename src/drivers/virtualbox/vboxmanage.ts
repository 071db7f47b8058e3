import type { DriverContext } from '../../core/driver.js';
import { HostNotReadyError, TmachineError, ToolError, throwIfInterrupted } from '../../core/errors.js';
import { findVBoxManage, virtualBoxNotFound } from './find.js';
import { knownFailure } from './known-failures.js';
import type { VirtualBoxPorts } from './ports.js';
import { type Dialect, dialectOf, parseVersion } from './version.js';

/** One call of VBoxManage. */
export interface VBoxCall {
  readonly args: readonly string[];
  /** What it is for; completes "while ...": `starting the virtual machine`. */
  readonly purpose: string;
  /** Default 60 s: VBoxSVC may have to start first, behind a virus scanner. */
  readonly timeoutMs?: number;
  /** The call only asks: it is made again when VBoxSVC goes away under it. */
  readonly isQuestion?: boolean;
  /** A machine that is locked is an answer, not waited for. */
  readonly isImpatient?: boolean;
}

export interface VBoxAnswer {
  readonly stdout: string;
  readonly stderr: string;
}

/** VBoxManage said no; `output` is all it said. */
export class VBoxManageError extends TmachineError {
  readonly output: string;

  constructor(details: ConstructorParameters<typeof TmachineError>[0] & { readonly output: string }) {
    super(details);
    this.output = details.output;
  }
}

const CALL_MS = 60_000;
const VERSION_MS = 60_000;

/** The machine is on its way to another state: it will take the same call soon (P18). */
const NOT_READY = /The object is not ready/;
const NOT_READY_TRIES = 5;
const NOT_READY_PAUSE_MS = 100;
/** What a question meets in such a moment besides (recorded with 7.2: test/fixtures/vboxmanage, transient-*). */
const BETWEEN_STATES =
  /The object is not ready|The session is not locked \(session state|Failed to get a console object from the direct session|General access denied error/;
const BETWEEN_STATES_TRIES = 50;
/** Another VBoxManage, the GUI or the machine's own process holds the machine's lock for a moment. */
const LOCKED =
  /is already locked (?:for|by) a session|is being unlocked|already has a lock request pending|An unexpected process \(PID=\S+\) has tried to lock|Cannot unregister the machine '.*' while it is locked/;
const LOCKED_MS = 20_000;
const LOCKED_PAUSE_MS = 250;
/** VBoxSVC ended under the call: it is started anew by the next one. */
const SERVER_GONE =
  /NS_ERROR_CALL_FAILED|NS_ERROR_ABORT|NS_ERROR_SOCKET_FAIL|0x800706be|0x800706ba|RPC_S_SERVER_UNAVAILABLE|Failed to create the VirtualBox object|CO_E_SERVER_EXEC_FAILURE/;
const SERVER_TRIES = 3;
const SERVER_PAUSE_MS = 1_000;

/** VBoxManage as found on this computer: its calls, and how its version differs. */
export class VBoxManage {
  readonly #ports: VirtualBoxPorts;
  #foundPath: string | undefined;
  #found: Promise<{ readonly path: string; readonly dialect: Dialect; readonly warning: string }> | undefined;

  constructor(ports: VirtualBoxPorts) {
    this.#ports = ports;
  }

  /** Path and version, asked for once per run of the program. Throws HostNotReadyError. */
  async installation(
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly dialect: Dialect; readonly warning: string }> {
    this.#found ??= this.#look(signal);
    try {
      return await this.#found;
    } catch (error) {
      this.#found = undefined; // an interrupted look tells nothing about the next one
      throw error;
    }
  }

  /** How this version is spoken to. Throws HostNotReadyError. */
  async dialect(signal: AbortSignal): Promise<Dialect> {
    return (await this.installation(signal)).dialect;
  }

  /**
   * What a call prints. Fails when it ends with another code than 0 or writes `error:` (some versions end with 0 then). Throws VBoxManageError with
   * the contract's text or that of a known failure, HostNotReadyError without VirtualBox, the signal's reason.
   */
  async run(call: VBoxCall, context: Pick<DriverContext, 'signal'>): Promise<string> {
    const outcome = await this.attempt(call, context);
    if (outcome.ok) return outcome.stdout;
    throw outcome.error;
  }

  /** As `run`, for calls whose failure is an answer. Throws the signal's reason, and when VBoxManage hangs or cannot be run. */
  async attempt(
    call: VBoxCall,
    context: Pick<DriverContext, 'signal'>,
  ): Promise<({ readonly ok: true } & VBoxAnswer) | { readonly ok: false; readonly error: VBoxManageError }> {
    const path = await this.#path(context.signal);
    const { clock } = this.#ports;
    const begunAt = clock.monotonic();
    for (let tries = 1; ; tries += 1) {
      const { status, stdout, stderr } = await this.#call(path, call, context.signal);
      if (status === 0 && !/\berror:/i.test(withoutWarning(stderr))) return { ok: true, stdout, stderr };
      const output = `${stdout}\n${stderr}`.trim();
      const isCrash = status === undefined || status > 128;
      const pauseMs = pauseBeforeRetry(
        output,
        { tries, elapsedMs: clock.monotonic() - begunAt, isCrash },
        call,
      );
      if (pauseMs === undefined) return { ok: false, error: failure(path, call, status, stdout, stderr) };
      await clock.sleep(pauseMs, context.signal);
    }
  }

  async #path(signal: AbortSignal): Promise<string> {
    const path = this.#foundPath ?? (await findVBoxManage(this.#ports, signal));
    if (path === undefined) throw virtualBoxNotFound(this.#ports.facts);
    this.#foundPath = path;
    return path;
  }

  async #look(signal: AbortSignal) {
    const path = await this.#path(signal);
    const call = { args: ['--version'], purpose: 'asking for its version', timeoutMs: VERSION_MS };
    const { status, stdout, stderr } = await this.#call(path, call, signal);
    const version = parseVersion(stdout);
    if (status !== 0 || version === undefined) {
      const said = withoutWarning(`${stdout}\n${stderr}`).trim().split('\n').at(-1) ?? '';
      const known = knownFailure(`${stdout}\n${stderr}`, this.#ports.facts.platform);
      throw new HostNotReadyError({
        code: known?.code ?? 'VBOX_BROKEN',
        message: known?.what ?? `VBoxManage does not tell its version: ${path}`,
        reason: known?.why ?? (said === '' ? 'it said nothing' : said),
        nextSteps: known?.nextSteps ?? [
          `see what it says with: ${path} --version`,
          'install VirtualBox again',
        ],
      });
    }
    const dialect = dialectOf(version, this.#ports.facts.platform);
    return { path, dialect, warning: warningOf(`${stdout}\n${stderr}`) };
  }

  async #call(path: string, call: VBoxCall, signal: AbortSignal) {
    const timeoutMs = call.timeoutMs ?? CALL_MS;
    try {
      return await this.#ports.processes.run(path, call.args, { signal, timeoutMs });
    } catch (error) {
      throwIfInterrupted(signal);
      if (!(error instanceof ToolError)) throw error;
      const isLate = error.reason?.includes('did not end within') === true;
      throw new VBoxManageError({
        code: isLate ? 'VBOX_HANGS' : 'VBOX_BROKEN',
        message: isLate
          ? `VBoxManage did not answer within ${timeoutMs / 1000} s while ${call.purpose}`
          : `VBoxManage could not be run while ${call.purpose}`,
        reason: isLate ? `the call was: ${commandLine(path, call.args)}` : (error.reason ?? error.message),
        nextSteps: isLate
          ? [
              'see whether VirtualBox itself answers:  VBoxManage list vms',
              'if it does not, end all of its programs (VBoxSVC last) or restart this computer, and run the command again',
            ]
          : [`see what it says with: ${path} --version`],
        output: error.stderr,
        cause: error,
      });
    }
  }
}

/** Milliseconds to wait before the same call is made again, or undefined to give up. */
function pauseBeforeRetry(
  output: string,
  { tries, elapsedMs, isCrash }: { tries: number; elapsedMs: number; isCrash: boolean },
  { isQuestion = false, isImpatient = false }: VBoxCall,
): number | undefined {
  if (NOT_READY.test(output) && tries < NOT_READY_TRIES) return NOT_READY_PAUSE_MS;
  if (LOCKED.test(output) && !isImpatient && elapsedMs < LOCKED_MS) return LOCKED_PAUSE_MS;
  if (!isQuestion) return undefined;
  if (BETWEEN_STATES.test(output) && tries < BETWEEN_STATES_TRIES) return NOT_READY_PAUSE_MS;
  // VBoxManage 7.2 was seen to crash while the machine it was asked about was ending.
  const isServersFault = isCrash || SERVER_GONE.test(output);
  return isServersFault && tries < SERVER_TRIES ? SERVER_PAUSE_MS : undefined;
}

/** The contract's message, `PATH ARGS failed:`, or the words of a known failure. */
function failure(
  path: string,
  call: VBoxCall,
  status: number | undefined,
  stdout: string,
  stderr: string,
): VBoxManageError {
  const output = withoutWarning(`${stdout}\n${stderr}`).trim();
  const cause = new ToolError({ file: path, args: call.args, status, stderr });
  const known = knownFailure(output);
  const said = errorLine(output);
  if (known !== undefined) {
    return new VBoxManageError({
      code: known.code,
      message: known.what,
      reason: said === '' ? known.why : `${known.why} (${said})`,
      nextSteps: known.nextSteps,
      output,
      cause,
    });
  }
  const end = status === undefined ? 'was ended by a signal' : `ended with exit code ${status}`;
  return new VBoxManageError({
    code: 'VBOX_FAILED',
    message: `${commandLine(path, call.args)} failed:`,
    reason: said === '' ? `VBoxManage ${end} while ${call.purpose}, and said nothing` : said,
    nextSteps:
      status === undefined || status > 128
        ? [
            'run the command again: VBoxManage crashed, which may be for once',
            'if it crashes again, end all of its programs (VBoxSVC last) or install VirtualBox again',
          ]
        : ['see every call and its answer:  run the command again with --debug'],
    output,
    cause,
  });
}

function commandLine(path: string, args: readonly string[]): string {
  return [path, ...args].join(' ');
}

/** The sentence that VBoxManage itself gives as the reason, without the program's name. */
function errorLine(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const line = lines.find((it) => /error:/i.test(it)) ?? lines.findLast((it) => it !== '') ?? '';
  return line.replace(/^VBoxManage(?:\.exe)?: error: /i, '');
}

const WARNING_HEAD = /^WARNING: /;

/** The distribution's start script warns before every answer when the kernel module is missing; tab-indented lines and blank ones belong to it. */
export function withoutWarning(output: string): string {
  const lines = output.split('\n');
  const begin = lines.findIndex((line) => WARNING_HEAD.test(line));
  if (begin < 0) return output;
  let end = begin + 1;
  while (end < lines.length && /^(\s|$)/.test(lines[end] ?? '')) end += 1;
  return [...lines.slice(0, begin), ...lines.slice(end)].join('\n');
}

/** The first line of that warning; empty when there is none. */
function warningOf(output: string): string {
  return output.split('\n').find((line) => WARNING_HEAD.test(line)) ?? '';
}
