import type { CertificateAuthority, Clock, Random } from '../core/ports.js';
import { describe, isIssuedBy, matches } from './facts.js';
import { type CertificateRequest, issue } from './issue.js';

/**
 * Certificates with docker-machine's subjects, usages and lifetimes (contract: create-flow.md section 11), on ECDSA P-256 instead of
 * RSA 2048: made in milliseconds. An authority that is there, RSA too, signs as it is.
 */
export function createCertificateAuthority(world: { clock: Clock; random: Random }): CertificateAuthority {
  const requestFor = (organization: string, purpose: CertificateRequest['purpose']): CertificateRequest => ({
    organization,
    now: world.clock.now(),
    serial: world.random.bytes(16),
    purpose,
  });
  return {
    createAuthority: (organization) => issue(requestFor(organization, { kind: 'authority' }), undefined),
    issueClient: (authority, organization) => issue(requestFor(organization, { kind: 'client' }), authority),
    issueServer: (authority, { organization, names, alsoClient }) =>
      issue(requestFor(organization, { kind: 'server', names, alsoClient }), authority),
    describe,
    matches,
    isIssuedBy,
  };
}
