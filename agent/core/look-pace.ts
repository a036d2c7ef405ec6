// How soon to look again which key a peer with two keys uses. Law: what one node announces costs so many quick looks in an hour and no more,
// and takes none from another node.
import type { Peer } from '../../bundle/config.ts';

/** A peer's packets are dropped from its first handshake with the next key until a look saw it; usually that comes within seconds. */
const LOOK_MS = { soon: 15, later: 60 } as const;
const SOON_MS = 30_000;
/** A peer that has not changed its key by then is away or stuck: it is looked for as rarely as for anything else. */
const LATER_MS = 10 * 60_000;
export const SELDOM_MS = 1_000;
/** As long as nobody has two keys. */
const IDLE_MS = 250;
/** Quick looks for one node in an hour: one key that is never used takes 2 000 and 9 500 of them, a usual change some hundred. */
export const LOOKS_MAX = 12_000;
export const WINDOW_MS = 60 * 60_000;
/** Changes of one node that are said in an hour: going to and fro between keys fills no log. */
const TOLD_MAX = 10;

interface Watched {
  /** Absent: one key alone now; what was spent is still known. */
  nextPublicKey: string | undefined;
  sinceMs: number;
  windowEndsMs: number;
  looks: number;
  told: number;
}

/** By node; `ms` of a clock that nobody sets. */
export type Watch = ReadonlyMap<string, Watched>;

export const NOBODY_WATCHED: Watch = new Map();

/** Counts the look that is due after `pauseMs`. `peers`: those with two keys. */
export function nextLook(before: Watch, peers: readonly Peer[], nowMs: number): { watch: Watch; pauseMs: number } {
  const watch = new Map<string, Watched>();
  let pauseMs = peers.length === 0 ? IDLE_MS : SELDOM_MS;
  for (const [node, past] of before) {
    if (nowMs < past.windowEndsMs) watch.set(node, { ...past, nextPublicKey: undefined });
  }
  for (const { node, nextPublicKey } of peers) {
    const past = before.get(node);
    const sinceMs = past?.nextPublicKey === nextPublicKey ? past!.sinceMs : nowMs;
    const spent = watch.get(node) ?? { windowEndsMs: nowMs + WINDOW_MS, looks: 0, told: 0 };
    const wantedMs = spent.looks < LOOKS_MAX ? paceAfter(nowMs - sinceMs) : SELDOM_MS;
    const looks = wantedMs < SELDOM_MS ? spent.looks + 1 : spent.looks;
    watch.set(node, { ...spent, nextPublicKey, sinceMs, looks });
    pauseMs = Math.min(pauseMs, wantedMs);
  }
  return { watch, pauseMs };
}

/** Which of these nodes' changes may still be said. */
export function tellable(watch: Watch, nodes: readonly string[]): { watch: Watch; nodes: string[] } {
  const some = nodes.filter((node) => (watch.get(node)?.told ?? TOLD_MAX) < TOLD_MAX);
  const counted = some.map((node) => [node, { ...watch.get(node)!, told: watch.get(node)!.told + 1 }] as const);
  return { watch: new Map([...watch, ...counted]), nodes: some };
}

function paceAfter(ms: number): number {
  if (ms < SOON_MS) return LOOK_MS.soon;
  return ms < LATER_MS ? LOOK_MS.later : SELDOM_MS;
}
