// How often a node may move: each new public address, next WireGuard key or other ACME account is a new bundle for others. Law: the first move
// counts at once, of those that follow within ten seconds the last one does at their end; none is lost, and whatever else it announces never waits.
import type { Enrolment } from '../../bundle/api.ts';
import { canonicalJson } from '../../bundle/canonical.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import type { HttpDeps } from './deps.ts';

export const MOVE_EVERY_MS = 10_000;

export interface AddressPace {
  /** What counts now of `next`, which was judged to follow `bound`; `bound` itself where that is nothing. */
  admit(bound: BoundEnrolment, next: BoundEnrolment): BoundEnrolment;
}

/** What makes new bundles for others and may change at every report. */
type Place = Pick<Enrolment, 'address' | 'nextWireguardPublicKey' | 'acmeThumbprint'>;

interface Moving {
  /** When a move counted last; ms since the epoch. */
  takenMs: number;
  later?: NodeJS.Timeout;
}

type Deps = Pick<HttpDeps, 'reports' | 'onEnrolment' | 'clock' | 'log'> & {
  served: Pick<HttpDeps['served'], 'access'>;
};

export function createAddressPace({ reports, served, onEnrolment, clock, log }: Deps): AddressPace {
  /** Nodes that moved once. */
  const moving = new Map<string, Moving>();

  function admit(bound: BoundEnrolment, next: BoundEnrolment): BoundEnrolment {
    const { node } = next;
    const last = moving.get(node);
    clearTimeout(last?.later);
    if (isSamePlace(bound.enrolment, next.enrolment)) return next;
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

  /** Whoever said so may be suspended by now, or another machine: that one has said its own. */
  async function takeLater(said: BoundEnrolment): Promise<void> {
    const { node } = said;
    const bound = reports.enrolment(node);
    if (bound === undefined || !isSameMachine(bound, said) || !isAdmitted(bound)) return;
    moving.set(node, { takenMs: clock().getTime() });
    try {
      await reports.bind({ ...bound, enrolment: inPlace(bound.enrolment, said.enrolment) });
      log.info({ node, reason: 'same keys, other facts' }, 'a node announced other facts');
      onEnrolment();
    } catch (error) {
      // The store is away, or being closed; the next report brings it again.
      log.warn({ node, error }, 'an address that a node announced could not be kept; its next report brings it again');
    }
  }

  /** A restriction counts from the moment it is read: what was said before it is no exception. */
  function isAdmitted({ node, tokenSha256 }: BoundEnrolment): boolean {
    const slot = served.access.get(tokenSha256);
    return slot?.node === node && (slot.state === 'active' || slot.state === 'draining');
  }

  return { admit };
}

/** Bound anew, it has another generation; under another token it spoke itself. */
function isSameMachine(a: BoundEnrolment, b: BoundEnrolment): boolean {
  const isSaidNow = a.generation === b.generation && a.tokenSha256 === b.tokenSha256;
  return isSaidNow && a.enrolment.signingKey === b.enrolment.signingKey;
}

function withoutMove(bound: BoundEnrolment, next: BoundEnrolment): BoundEnrolment {
  const still = { ...next, enrolment: inPlace(next.enrolment, bound.enrolment) };
  const { sequence: _, ...said } = still;
  const { sequence: __, ...before } = bound;
  return canonicalJson(said) === canonicalJson(before) ? bound : still;
}

/** A key that was taken into use is nobody's next one any more. A first account never waits, and none is taken away. */
function inPlace(
  enrolment: Enrolment,
  { address, nextWireguardPublicKey: key, acmeThumbprint: account }: Place,
): Enrolment {
  const { address: _, nextWireguardPublicKey: __, ...rest } = enrolment;
  const isNext = key !== undefined && key !== rest.wireguardPublicKey;
  return {
    ...rest,
    ...(address && { address }),
    ...(isNext && { nextWireguardPublicKey: key }),
    ...(account !== undefined && { acmeThumbprint: account }),
  };
}

/** The end of a rotation moves nobody: the key is the one that was announced. */
function isSamePlace(before: Enrolment, after: Enrolment): boolean {
  return canonicalJson(inPlace(after, before)) === canonicalJson(after);
}
