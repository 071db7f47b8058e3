import type { SecureContext, SecureVersion } from 'node:tls';
import { withDeadline } from '../core/deadline.js';
import { messageOf, StoreError } from '../core/errors.js';
import { isJsonObject } from '../core/json.js';
import type {
  Clock,
  EngineAnswer,
  EngineProbe,
  EngineTarget,
  EngineVersion,
  ProbeOptions,
} from '../core/ports.js';
import type { EngineResponse } from './exchange.js';
import { describe } from './facts.js';
import { lateFailure, ProbeFailure, type Stage } from './probe-failure.js';

/**
 * Asks engines whether they answer, and tells the reasons apart why they do not (P21). Machines with the same certificates share one
 * TLS context: reading the certificates is most of what a probe costs.
 */
export function createEngineProbe(clock: Clock): EngineProbe {
  const contexts = new Map<string, Promise<SecureContext>>();
  const contextFor: ContextFor = (target, maxVersion) => {
    const key = JSON.stringify([target.ca, target.certificate, target.key, maxVersion]);
    const context = contexts.get(key) ?? createContext(target, maxVersion);
    contexts.set(key, context);
    return context;
  };
  return {
    ping: (target, options) =>
      probe({ clock, contextFor, target, options, path: '/_ping' }, () => ({ ok: true, version: undefined })),
    version: (target, options) =>
      probe({ clock, contextFor, target, options, path: '/version' }, answerOfVersion),
  };
}

type ContextFor = (target: EngineTarget, maxVersion: SecureVersion) => Promise<SecureContext>;

interface Probe {
  readonly clock: Clock;
  readonly contextFor: ContextFor;
  readonly target: EngineTarget;
  readonly options: ProbeOptions;
  readonly path: string;
}

async function probe(the: Probe, read: (body: string) => EngineAnswer): Promise<EngineAnswer> {
  const { target, options, clock } = the;
  let stage: Stage = 'connect';
  try {
    const { body, clockMs } = await withDeadline((signal) => attempt(the, signal, (next) => (stage = next)), {
      ms: options.timeoutMs,
      clock,
      signal: options.signal,
      late: () => lateFailure(stage, target),
    });
    const answer = read(body);
    return answer.ok && clockMs !== undefined ? { ...answer, clockMs } : answer;
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    return { ok: false, detail: error.message, ...faultAndBlame(error, target, clock.now()) };
  }
}

/**
 * With TLS 1.3 a server refuses our certificate after the handshake, and closes while our request is on its way: some systems then
 * drop the refusal and show a bare reset. TLS 1.2 puts the refusal into the handshake, so a second look settles it.
 */
async function attempt(
  the: Probe,
  signal: AbortSignal,
  onStage: (stage: Stage) => void,
): Promise<EngineResponse> {
  try {
    return await ask(the, 'TLSv1.3', signal, onStage);
  } catch (error) {
    if (!(error instanceof ProbeFailure) || error.hint !== 'cut') throw error;
    try {
      return await ask(the, 'TLSv1.2', signal, onStage);
    } catch (again) {
      throw again instanceof ProbeFailure && again.fault === 'client-refused' ? again : error;
    }
  }
}

async function ask(
  the: Probe,
  maxVersion: SecureVersion,
  signal: AbortSignal,
  onStage: (stage: Stage) => void,
): Promise<EngineResponse> {
  const { target, options, clock, path } = the;
  const context = await the.contextFor(target, maxVersion);
  const { exchange } = await import('./exchange.js'); // loads Node's TLS and HTTP: not for commands that never ask
  const connectMs = options.connectMs ?? options.timeoutMs;
  return exchange(target, { path, context, clock, connectMs, signal, onStage });
}

/** Throws StoreError for certificates that no connection can use; an unreadable `ca` would otherwise mean the system's authorities. */
async function createContext(target: EngineTarget, maxVersion: SecureVersion): Promise<SecureContext> {
  const { createSecureContext } = await import('node:tls');
  try {
    describe(target.ca);
    return createSecureContext({
      ca: target.ca,
      cert: target.certificate,
      key: target.key,
      minVersion: 'TLSv1.2',
      maxVersion,
    });
  } catch (error) {
    throw new StoreError({
      code: 'CLIENT_CERTIFICATE_UNUSABLE',
      message: 'The certificates of this store cannot be used for a connection',
      reason: `ca.pem, cert.pem or key.pem is damaged, or cert.pem and key.pem are not a pair (${messageOf(error)})`,
      nextSteps: [
        'restore the three files from a backup, if you have one',
        'or make new certificates for all machines with: tmachine regenerate-certs --client-certs',
      ],
      cause: error,
    });
  }
}

/** Looks again at what was refused: the certificates in hand may explain it. */
function faultAndBlame(
  { fault, hint }: ProbeFailure,
  target: EngineTarget,
  now: number,
): Pick<EngineAnswer & { ok: false }, 'fault' | 'blame'> {
  if (fault === 'expired' || fault === 'not-yet-valid') {
    return { fault, blame: dateFault(target.ca, now) === fault ? 'authority' : 'server-certificate' };
  }
  if (fault !== 'client-refused') return { fault };
  const ours = dateFault(target.certificate, now);
  if (ours !== undefined) return { fault: ours, blame: 'client-certificate' };
  return hint === 'said-expired' ? { fault, blame: 'guest-clock' } : { fault };
}

function dateFault(certificate: string, now: number): 'expired' | 'not-yet-valid' | undefined {
  const { notBefore, notAfter } = describe(certificate);
  if (now > notAfter) return 'expired';
  return now < notBefore ? 'not-yet-valid' : undefined;
}

/** The engine's versions out of its answer to `GET /version`, whatever else it says. */
function answerOfVersion(body: string): EngineAnswer {
  const parsed = parseJson(body);
  const text = (name: string) => {
    const value = isJsonObject(parsed) ? parsed[name] : undefined;
    return typeof value === 'string' ? value : '';
  };
  const version: EngineVersion = {
    version: text('Version'),
    apiVersion: text('ApiVersion'),
    minApiVersion: text('MinAPIVersion'),
  };
  if (version.version !== '') return { ok: true, version };
  return { ok: false, fault: 'not-ready', detail: 'the answer is not that of a Docker engine' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // said by the caller: not an engine's answer
  }
}
