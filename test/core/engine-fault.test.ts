import { describe, expect, test } from '@jest/globals';
import { engineFaultError } from '../../src/core/engine-fault.js';
import { EngineUnreachableError } from '../../src/core/errors.js';
import type { EngineBlame, EngineFault } from '../../src/core/ports.js';

const DETAIL = 'what the probe saw';
const ENV = 'Error checking TLS connection: ';
const CHECKED =
  'Error checking and/or regenerating the certs: There was an error validating certificates for host "192.168.99.100:2376": what the probe saw';
const HINT =
  "\nYou can attempt to regenerate them using 'docker-machine regenerate-certs [name]'." +
  '\nBe advised that this will trigger a Docker daemon restart which might stop running containers.\n';

const NOT_ABOUT_CERTIFICATES: EngineFault[] = [
  'port-closed',
  'no-route',
  'timed-out',
  'not-tls',
  'not-ready',
];
const ABOUT_CERTIFICATES: EngineFault[] = [
  'unknown-authority',
  'wrong-name',
  'expired',
  'not-yet-valid',
  'client-refused',
];

function fail(fault: EngineFault, errorPrefix?: string, blame?: EngineBlame): EngineUnreachableError {
  return engineFaultError(fault, {
    machineName: 'dev',
    host: '192.168.99.100',
    port: 2376,
    detail: DETAIL,
    blame,
    ...(errorPrefix !== undefined && { errorPrefix }),
  });
}

describe('P21: a fault of the connection to the engine', () => {
  test.each(NOT_ABOUT_CERTIFICATES)(
    "%s keeps docker-machine's first line and sends nobody to new certificates",
    (fault) => {
      const error = fail(fault, ENV);
      expect(error).toBeInstanceOf(EngineUnreachableError);
      expect(error.verbatim).toBe(true);
      expect(error.message).toBe(ENV + CHECKED);
      expect(error.nextSteps.join('\n')).not.toContain('certs');
      expect(error.reason).not.toContain('certificate');
    },
  );

  test.each(ABOUT_CERTIFICATES)(
    "%s is docker-machine's whole text, and the next step is for the certificates",
    (fault) => {
      const error = fail(fault, ENV);
      expect(error.message).toBe(ENV + CHECKED + HINT);
      expect(error.nextSteps.join('\n')).toContain('tmachine regenerate-certs');
    },
  );

  test("without docker-machine's words names the machine and its address, the cause in brackets", () => {
    const error = fail('port-closed');
    expect(error.verbatim).toBe(false);
    expect(error.message).toBe('Could not reach the Docker engine of "dev" at 192.168.99.100:2376');
    expect(error.reason).toBe(
      'nothing listens on that port: the Docker engine is not running, or not yet (what the probe saw)',
    );
  });

  test('an IPv6 address stands in brackets', () => {
    const error = engineFaultError('no-route', {
      machineName: 'dev',
      host: 'fe80::1',
      port: 2376,
      detail: DETAIL,
    });
    expect(error.message).toBe('Could not reach the Docker engine of "dev" at [fe80::1]:2376');
  });

  test('after the prefix of `version` only the cause follows', () => {
    const error = engineFaultError('expired', {
      machineName: 'dev',
      host: '192.168.99.100',
      port: 2376,
      detail: DETAIL,
      errorPrefix: 'Unable to query docker version: ',
      afterPrefix: 'cause',
    });
    expect(error.message).toBe('Unable to query docker version: what the probe saw');
  });

  test('every fault has a code and a reason of its own, and a next step', () => {
    const errors = [...NOT_ABOUT_CERTIFICATES, ...ABOUT_CERTIFICATES].map((fault) => fail(fault));
    expect(new Set(errors.map(({ code }) => code)).size).toBe(10);
    expect(new Set(errors.map(({ reason }) => reason)).size).toBe(10);
    expect(errors.every(({ nextSteps }) => nextSteps.length > 0)).toBe(true);
  });

  test.each([...NOT_ABOUT_CERTIFICATES, ...ABOUT_CERTIFICATES])(
    'for a machine of which only the address is known, %s advises nothing that cannot be done from here',
    (fault) => {
      const { nextSteps } = engineFaultError(fault, {
        machineName: 'far',
        host: 'far.example',
        port: 2376,
        detail: DETAIL,
        isManaged: false,
      });
      expect(nextSteps.join('\n')).not.toMatch(/tmachine (restart|provision|regenerate-certs|ssh)/);
      expect(nextSteps.at(-1)).toMatch(/^look at the engine on the computer that it runs on: of "far"/);
    },
  );
});

describe('dates', () => {
  test.each<[EngineBlame, string, string]>([
    [
      'server-certificate',
      "by this computer's clock the engine's certificate has expired",
      'regenerate-certs dev',
    ],
    [
      'client-certificate',
      "by this computer's clock this computer's client certificate has expired",
      'regenerate-certs --client-certs dev',
    ],
    [
      'authority',
      "by this computer's clock the certificate of this store's authority has expired",
      'regenerate-certs --client-certs dev',
    ],
  ])('P19: expired, blaming the %s', (blame, reason, command) => {
    const error = fail('expired', ENV, blame);
    expect(error.reason).toBe(reason);
    expect(error.nextSteps[0]).toBe(`make it anew: tmachine ${command}`);
  });

  test('P30: a certificate from the future points at the clock first, then at new certificates', () => {
    const error = fail('not-yet-valid', ENV, 'server-certificate');
    expect(error.reason).toBe(
      "by this computer's clock the engine's certificate begins in the future: the clock is behind, or was ahead when the certificate was made",
    );
    expect(error.nextSteps[0]).toMatch(
      /^correct this computer's clock \(Linux: sudo timedatectl set-ntp true;/,
    );
    expect(error.nextSteps[1]).toContain('tmachine regenerate-certs --client-certs dev');
  });

  test("P30: the guest's wrong clock is not a matter of certificates", () => {
    const error = fail('client-refused', ENV, 'guest-clock');
    expect(error.message).toBe(ENV + CHECKED);
    expect(error.code).toBe('ENGINE_GUEST_CLOCK');
    expect(error.nextSteps).toEqual([
      "compare the guest's clock with yours: tmachine ssh dev date -u",
      'start the machine anew, which sets its clock: tmachine restart dev',
      expect.stringMatching(/^if this computer's clock is the wrong one: /),
    ]);
  });
});
