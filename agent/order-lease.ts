// May this edge order now? What is asked and told of an order is signed, so that a stolen token says nothing.
import type { KeyObject } from 'node:crypto';
import type { ChallengeEnd, ChallengeQuestion, LeaseQuestion, OrderEnd } from '../bundle/api.ts';
import { signRelayed } from '../bundle/relayed.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import type { AcmeServer } from './ports/certificate-authority.ts';
import type { ControlPlane } from './ports/control-plane.ts';

/** Bounds of what a refused lease may ask for. */
const LEASE_RETRY_MS_MIN = 200;
const LEASE_RETRY_MS_MAX = 5 * 60_000;
/** Without an answer the lease is asked for again at least this often. */
const UNANSWERED_RETRY_MS_MAX = 60_000;

export interface Signer {
  /** Of this node, ed25519. */
  signingKey: KeyObject;
  view(): { config: { node: string } } | undefined;
}

interface LeaseParts extends Signer {
  shelf: Pick<CertificateShelf, 'get'>;
  control: Pick<ControlPlane, 'lease'>;
}

/** Undefined: it may. */
export async function askLease(
  name: string,
  { server }: AcmeServer,
  dependencies: LeaseParts,
): Promise<{ reason: string; retryAfterMs: number } | undefined> {
  const renewal = dependencies.shelf.get(name) !== undefined;
  const question = signAs<LeaseQuestion>(dependencies, { kind: 'lease', name, server, renewal });
  const asked = await dependencies.control.lease(question);
  if (asked.kind === 'answered') {
    const { lease } = asked;
    return lease.granted ? undefined : { reason: lease.reason, retryAfterMs: clamp(lease.retryAfterMs) };
  }
  const askedMs = asked.kind === 'unreachable' ? clamp(asked.retryAfterMs) : UNANSWERED_RETRY_MS_MAX;
  const retryAfterMs = Math.min(askedMs, UNANSWERED_RETRY_MS_MAX);
  return { reason: `no lease: ${asked.message}`, retryAfterMs };
}

/** What counts for the budget of the fleet, or goes into DNS, is not said by whoever has a token. */
export function signAs<T extends LeaseQuestion | OrderEnd | ChallengeQuestion | ChallengeEnd>(
  { view, signingKey }: Signer,
  item: Omit<T, 'by' | 'signature'>,
): T {
  return signRelayed<T>({ ...item, by: view()!.config.node } as unknown as Omit<T, 'signature'>, signingKey);
}

function clamp(ms: number): number {
  return Math.min(LEASE_RETRY_MS_MAX, Math.max(LEASE_RETRY_MS_MIN, Number.isFinite(ms) ? ms : LEASE_RETRY_MS_MAX));
}
