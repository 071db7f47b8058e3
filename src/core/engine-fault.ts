import { EngineUnreachableError } from './errors.js';
import type { EngineBlame, EngineFault } from './ports.js';

export interface EngineFaultContext {
  readonly machineName: string;
  readonly host: string;
  readonly port: number;
  /** What the probe saw, one line. */
  readonly detail: string;
  readonly blame?: EngineBlame | undefined;
  /** How docker-machine's text begins in the command that asks: `Error checking TLS connection: `. Absent: our own words. */
  readonly errorPrefix?: string;
  /**
   * After the prefix docker-machine's `env`, `config` and `create` say that certificates were checked; its `version` says the
   * cause alone. Default: `checked`.
   */
  readonly afterPrefix?: 'checked' | 'cause';
  /** The machine can be started anew and provisioned; otherwise only the engine's URL is known. Default: true. */
  readonly isManaged?: boolean;
}

interface Explanation {
  readonly code: string;
  readonly reason: string;
  readonly nextSteps: readonly string[];
}

const REGENERATE_HINT = `
You can attempt to regenerate them using 'docker-machine regenerate-certs [name]'.
Be advised that this will trigger a Docker daemon restart which might stop running containers.
`;

/** The only faults that new certificates can heal (P21): a user must not be sent to restart the engine for any other. */
const ABOUT_CERTIFICATES: ReadonlySet<EngineFault> = new Set<EngineFault>([
  'unknown-authority',
  'wrong-name',
  'expired',
  'not-yet-valid',
  'client-refused',
]);

/** The error for a fault of the engine's connection: docker-machine's first line where it has one, then why and what next. */
export function engineFaultError(fault: EngineFault, context: EngineFaultContext): EngineUnreachableError {
  const { errorPrefix, detail } = context;
  const { code, reason, nextSteps: allSteps } = explain(fault, context);
  const nextSteps = context.isManaged === false ? stepsElsewhere(allSteps, context) : allSteps;
  if (errorPrefix === undefined) {
    return new EngineUnreachableError({
      code,
      message: `Could not reach the Docker engine of "${context.machineName}" at ${place(context)}`,
      reason: `${reason} (${detail})`,
      nextSteps,
    });
  }
  const cause =
    context.afterPrefix === 'cause'
      ? detail
      : `Error checking and/or regenerating the certs: There was an error validating certificates for host "${place(context)}": ${detail}`;
  const heals = ABOUT_CERTIFICATES.has(fault) && context.blame !== 'guest-clock';
  const hint = heals && context.afterPrefix !== 'cause' ? REGENERATE_HINT : '';
  return new EngineUnreachableError({
    code,
    verbatim: true,
    message: `${errorPrefix}${cause}${hint}`,
    reason,
    nextSteps,
  });
}

/** Without what cannot be done from here. */
function stepsElsewhere(steps: readonly string[], context: EngineFaultContext): string[] {
  return [
    ...steps.filter((step) => !/: tmachine (?:restart|provision|regenerate-certs|ssh) /.test(step)),
    `look at the engine on the computer that it runs on: of "${context.machineName}" only the address is known here`,
  ];
}

function place({ host, port }: EngineFaultContext): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const SET_CLOCK =
  "correct this computer's clock (Linux: sudo timedatectl set-ntp true; Windows: w32tm /resync; macOS: sudo sntp -sS time.apple.com)";

function explain(fault: EngineFault, context: EngineFaultContext): Explanation {
  const name = context.machineName;
  const command = (words: string) => `tmachine ${words} ${name}`;
  switch (fault) {
    case 'port-closed':
      return {
        code: 'ENGINE_PORT_CLOSED',
        reason: 'nothing listens on that port: the Docker engine is not running, or not yet',
        nextSteps: [
          'if the machine has just started, wait a moment and run the command again',
          `else look whether it runs: ${command('status')}`,
          `and start it anew: ${command('restart')}`,
        ],
      };
    case 'no-route':
      return {
        code: 'ENGINE_NO_ROUTE',
        reason:
          "this computer has no way to that address: the machine's network is down, or its address has changed",
        nextSteps: [
          `compare with the machine's address now: ${command('ip')}`,
          `a VPN may have taken over the route: disconnect it, or start the machine anew: ${command('restart')}`,
        ],
      };
    case 'timed-out':
      return {
        code: 'ENGINE_TIMED_OUT',
        reason:
          'no answer came in time: the machine hangs or is still starting, or a firewall or VPN swallows the packets',
        nextSteps: [
          `look whether it runs: ${command('status')}`,
          'allow connections to that address in the firewall and VPN of this computer',
          `start it anew: ${command('restart')}`,
        ],
      };
    case 'not-tls':
      return {
        code: 'ENGINE_NOT_TLS',
        reason:
          'something answers on that port, but not with TLS as the engine should: another program, or an engine set up without it',
        nextSteps: [
          `set the engine up again: ${command('provision')}`,
          'or end the other program that uses this port',
        ],
      };
    case 'unknown-authority':
      return {
        code: 'ENGINE_UNKNOWN_AUTHORITY',
        reason:
          "the engine's certificate was signed by another authority: the store's was made anew since, or another machine answers at this address",
        nextSteps: [`give the engine a certificate of this store: ${command('regenerate-certs')}`],
      };
    case 'wrong-name':
      return {
        code: 'ENGINE_WRONG_NAME',
        reason:
          "the engine's certificate was made for other addresses: the machine's address has changed since",
        nextSteps: [`make a certificate for the new address: ${command('regenerate-certs')}`],
      };
    case 'expired':
      return explainExpired(context.blame, command);
    case 'not-yet-valid':
      return {
        code: 'ENGINE_CERTIFICATE_NOT_YET_VALID',
        reason: `by this computer's clock ${whose(context.blame)} begins in the future: the clock is behind, or was ahead when the certificate was made`,
        nextSteps: [
          SET_CLOCK,
          `if the clock is right, make the certificates anew: ${command('regenerate-certs --client-certs')}`,
        ],
      };
    case 'client-refused':
      return explainRefused(context.blame, command);
    case 'not-ready':
      return {
        code: 'ENGINE_NOT_READY',
        reason: 'the engine took the connection but did not answer as it should: it is starting or stopping',
        nextSteps: [
          'wait a moment and run the command again',
          `if it stays so, start it anew: ${command('restart')}`,
        ],
      };
  }
}

function explainExpired(blame: EngineBlame | undefined, command: (words: string) => string): Explanation {
  const words = blame === 'server-certificate' ? 'regenerate-certs' : 'regenerate-certs --client-certs';
  return {
    code: 'ENGINE_CERTIFICATE_EXPIRED',
    reason: `by this computer's clock ${whose(blame)} has expired`,
    nextSteps: [
      `make it anew: ${command(words)}`,
      `only if the date of this computer is wrong: ${SET_CLOCK}`,
    ],
  };
}

function explainRefused(blame: EngineBlame | undefined, command: (words: string) => string): Explanation {
  if (blame === 'guest-clock') {
    return {
      code: 'ENGINE_GUEST_CLOCK',
      reason:
        "the engine finds this computer's certificate outside its dates, but by this computer's clock it is valid: the clocks differ, as after sleep",
      nextSteps: [
        `compare the guest's clock with yours: ${command('ssh')} date -u`,
        `start the machine anew, which sets its clock: ${command('restart')}`,
        `if this computer's clock is the wrong one: ${SET_CLOCK}`,
      ],
    };
  }
  return {
    code: 'ENGINE_CLIENT_REFUSED',
    reason:
      "the engine refuses this computer's client certificate: it trusts another authority than this store's",
    nextSteps: [`give the engine the authority of this store: ${command('regenerate-certs')}`],
  };
}

function whose(blame: EngineBlame | undefined): string {
  switch (blame) {
    case 'server-certificate':
      return "the engine's certificate";
    case 'client-certificate':
      return "this computer's client certificate";
    case 'authority':
      return "the certificate of this store's authority";
    default:
      return 'one of the certificates';
  }
}
