// Which edges count as silent, so that others order their certificates. Law: silence is judged only while somebody else is heard, because
// otherwise it is our own network that is broken; and an edge that comes and goes is taken back ever more slowly.
import { HEALTHY_SILENCE_MS } from './lease.ts';

/** After a start nobody counts as silent for so long. */
export const START_GRACE_MS = 3 * 60_000;
/** Somebody was heard within this time: our own network works. A node asks or reports at least every 20 s. */
export const WITNESS_MS = 45_000;
/** How steadily an edge that was silent must be heard before it orders again: at first, and at most. It doubles with each fall. */
export const RETURN_MS_MIN = 2 * 60_000;
export const RETURN_MS_MAX = 60 * 60_000;
/** An edge that was heard for so long without a fall begins with RETURN_MS_MIN again. */
export const FORGIVEN_MS = 6 * 60 * 60_000;

/** A node as it was heard last. `orders`: an edge that may order; all others are witnesses only. */
export interface HeardNode {
  node: string;
  orders: boolean;
  /** Any number that grows when the node is heard; it is compared, never subtracted, so that clocks may step. */
  lastSeenMs: number | undefined;
}

interface Heard {
  readonly lastSeenMs: number | undefined;
  /** When `lastSeenMs` changed. */
  readonly changedMs: number;
  readonly isSilent: boolean;
  /** While silent: since when it is heard without a long pause. */
  readonly steadySinceMs: number | undefined;
  /** Of the last fall, and when that ended; undefined: it never fell. */
  readonly returnMs: number | undefined;
  readonly returnedMs: number | undefined;
}

export interface OrdererHealth {
  readonly startedMs: number;
  /** Since when there has always been somebody who was heard lately; undefined: there is nobody. */
  readonly witnessedSinceMs: number | undefined;
  readonly nodes: ReadonlyMap<string, Heard>;
  /** The same object for as long as it holds the same names. */
  readonly silent: ReadonlySet<string>;
}

/** `atMs` here and below: of a clock that never steps. */
export function beginHealth(atMs: number): OrdererHealth {
  return { startedMs: atMs, witnessedSinceMs: atMs, nodes: new Map(), silent: new Set() };
}

export function stepHealth(before: OrdererHealth, heard: readonly HeardNode[], atMs: number): OrdererHealth {
  const changes = heard.map((one) => {
    const known = before.nodes.get(one.node);
    const isNew = known === undefined || known.lastSeenMs !== one.lastSeenMs;
    return { ...one, known, isNew, changedMs: isNew ? atMs : known.changedMs };
  });
  const isWitnessed = changes.some(({ changedMs }) => atMs - changedMs < WITNESS_MS);
  const witnessedSinceMs = isWitnessed ? (before.witnessedSinceMs ?? atMs) : undefined;
  // After our own network was away everybody has as long as ever to be heard.
  const isJudged = witnessedSinceMs !== undefined && atMs - witnessedSinceMs >= HEALTHY_SILENCE_MS;
  const mayFall = isJudged && atMs - before.startedMs >= START_GRACE_MS;
  const nodes = new Map(
    changes.map(({ node, orders, lastSeenMs, known, isNew, changedMs }): [string, Heard] => {
      const isQuiet = atMs - changedMs >= HEALTHY_SILENCE_MS;
      const common = { lastSeenMs, changedMs, returnMs: known?.returnMs, returnedMs: known?.returnedMs };
      const up = { ...common, isSilent: false, steadySinceMs: undefined };
      if (!orders) return [node, up];
      if (known?.isSilent !== true) {
        if (!isQuiet || !mayFall) return [node, up];
        return [node, { ...up, isSilent: true, returnMs: returnMsAfter(known, atMs) }];
      }
      const steadySinceMs = isQuiet ? undefined : (known.steadySinceMs ?? (isNew ? atMs : undefined));
      const isBack = steadySinceMs !== undefined && atMs - steadySinceMs >= known.returnMs!;
      return [node, isBack ? { ...up, returnedMs: atMs } : { ...common, isSilent: true, steadySinceMs }];
    }),
  );
  const silent = new Set([...nodes].filter(([, { isSilent }]) => isSilent).map(([node]) => node));
  const isSame = silent.size === before.silent.size && [...silent].every((node) => before.silent.has(node));
  return { startedMs: before.startedMs, witnessedSinceMs, nodes, silent: isSame ? before.silent : silent };
}

function returnMsAfter(known: Heard | undefined, atMs: number): number {
  if (known?.returnMs === undefined || known.returnedMs === undefined) return RETURN_MS_MIN;
  if (atMs - known.returnedMs >= FORGIVEN_MS) return RETURN_MS_MIN;
  return Math.min(known.returnMs * 2, RETURN_MS_MAX);
}
