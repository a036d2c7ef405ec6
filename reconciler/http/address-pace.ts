// How often a node may move: each new public address of a node is a new bundle for every peer of it. Law: the first move counts at once, of those
// that follow within ten seconds the last one does at their end; none is lost, and whatever else the node announces never waits.
import { canonicalJson } from '../../bundle/canonical.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import type { HttpDeps } from './deps.ts';

export const MOVE_EVERY_MS = 10_000;

export interface AddressPace {
  /** What counts now of `next`, which was judged to follow `bound`; `bound` itself where that is nothing. */
  admit(bound: BoundEnrolment, next: BoundEnrolment): BoundEnrolment;
}

interface Moving {
  /** The last address that counted; ms since the epoch. */
  takenMs: number;
  later?: NodeJS.Timeout;
}

type Deps = Pick<HttpDeps, 'reports' | 'onEnrolment' | 'clock' | 'log'>;

export function createAddressPace({ reports, onEnrolment, clock, log }: Deps): AddressPace {
  /** Nodes that moved once. */
  const moving = new Map<string, Moving>();

  function admit(bound: BoundEnrolment, next: BoundEnrolment): BoundEnrolment {
    const { node } = next;
    const last = moving.get(node);
    clearTimeout(last?.later);
    if (isSameAddress(bound, next)) return next;
    const nowMs = clock().getTime();
    const agoMs = nowMs - (last?.takenMs ?? Number.NEGATIVE_INFINITY);
    // A clock that was set back makes nobody wait longer.
    if (last === undefined || agoMs < 0 || agoMs >= MOVE_EVERY_MS) {
      moving.set(node, { takenMs: nowMs });
      return next;
    }
    const later = setTimeout(() => void takeLater(next), MOVE_EVERY_MS - agoMs);
    later.unref();
    moving.set(node, { takenMs: last.takenMs, later });
    return withoutMove(bound, next);
  }

  /** The machine that said so may be another by now: then it has said its own. */
  async function takeLater({ node, enrolment }: BoundEnrolment): Promise<void> {
    const bound = reports.enrolment(node);
    if (bound?.enrolment.signingKey !== enrolment.signingKey) return;
    moving.set(node, { takenMs: clock().getTime() });
    try {
      await reports.bind({ ...bound, enrolment: withAddressOf(bound, enrolment.address) });
      log.info({ node, reason: 'same keys, another address' }, 'a node announced other facts');
      onEnrolment();
    } catch (error) {
      // The store is away, or being closed; the next report brings the address again.
      log.warn({ node, error }, 'an address that a node announced could not be kept; its next report brings it again');
    }
  }

  return { admit };
}

function withoutMove(bound: BoundEnrolment, next: BoundEnrolment): BoundEnrolment {
  const still = { ...next, enrolment: withAddressOf(next, bound.enrolment.address) };
  const { sequence: _, ...said } = still;
  const { sequence: __, ...before } = bound;
  return canonicalJson(said) === canonicalJson(before) ? bound : still;
}

function withAddressOf({ enrolment }: BoundEnrolment, address: BoundEnrolment['enrolment']['address']) {
  const { address: _, ...rest } = enrolment;
  return { ...rest, ...(address && { address }) };
}

function isSameAddress(a: BoundEnrolment, b: BoundEnrolment): boolean {
  return canonicalJson(a.enrolment.address ?? null) === canonicalJson(b.enrolment.address ?? null);
}
