// How far the number of a pool's identity may move. Law: neither a member nor a control plane uses up the numbers there are, so that a larger
// one is always free.
import type { IdentitySituation } from './pool-identity.ts';

/**
 * An identity in the mailbox is followed at once, or answered by a larger epoch, when its own is at most this much above what is held; above
 * that after LEAP_PATIENCE_MS, and never beyond EPOCH_LEAP_MAX: neither a member nor a control plane uses up the numbers there are.
 */
export const EPOCH_STEP_MAX = 1000;
export const EPOCH_LEAP_MAX = 2 ** 36;
export const LEAP_PATIENCE_MS = 600_000;

type EpochSituation = Pick<IdentitySituation, 'pool' | 'relayed' | 'held' | 'identityEpoch'>;

/** What epochs are measured from. */
function floorOf({ held, identityEpoch = 1 }: EpochSituation): number {
  return Math.max(held?.epoch ?? 0, identityEpoch);
}

/** Above it nothing is believed. */
export function epochMaxOf(situation: EpochSituation): number {
  return floorOf(situation) + EPOCH_LEAP_MAX;
}

/** Of what the mailbox shows, whoever signed it; 0: there is nothing that has to be answered. */
export function seenEpoch(situation: EpochSituation): number {
  const { pool, relayed } = situation;
  if (relayed?.pool !== pool || !Number.isSafeInteger(relayed.epoch) || relayed.epoch < 1) return 0;
  return relayed.epoch <= epochMaxOf(situation) ? relayed.epoch : 0;
}

/** An edge that holds nothing has to follow; one that moves to and fro gets no further by it. */
export function leapPatience(situation: EpochSituation, epoch: number): number {
  return situation.held && epoch > floorOf(situation) + EPOCH_STEP_MAX ? LEAP_PATIENCE_MS : 0;
}
