// Whether anybody answers through a tunnel, judged from WireGuard's counters alone. Law: dead is only what keeps sending for a second
// without one packet coming back, as TCP does when it repeats itself; whoever sends once, or nothing, condemns nobody.

/** Bytes since the interface was made, as WireGuard counts them: with its own headers and handshakes. */
export interface Counters {
  received: number;
  sent: number;
}

export interface PeerHealth extends Counters {
  /** Looks that saw more sent, since something was received; ms, ascending. Never more than a second or two of them. */
  unanswered: readonly number[];
  dead: boolean;
}

/** By public key. */
export interface TunnelHealth {
  /** When it was looked, ms of a clock that does not jump. */
  atMs: number;
  peers: ReadonlyMap<string, PeerHealth>;
}

/** How often to look: three looks must see TCP repeat itself (0.2, 0.6, 1.4 s after the first packet; RFC 6298). */
export const LOOK_MS = 300;
const DEAD_AFTER_MS = 1_000;
/** The first of the unanswered may be an acknowledgement of what came just before; from the second on an answer is owed. */
const OWED_MS = 500;
const UNANSWERED_LOOKS = 3;
/** A sender that pauses for longer has given up or has begun anew. */
const SILENCE_MS_MAX = 2_000;
/** After a longer gap between two looks nobody knows when what was sent: a machine that was paused condemns nobody. */
const GAP_MS_MAX = 1_500;
/**
 * One TCP segment without data, at most, or a keepalive: nobody has to answer an acknowledgement. 32 bytes of WireGuard around 64 of
 * padded IP and TCP headers (WireGuard's paper, section 5.4.6).
 */
const BARE_SEGMENT_BYTES = 96;

export const NOTHING_SEEN: TunnelHealth = { atMs: Number.NEGATIVE_INFINITY, peers: new Map() };

/** What is known after one more look. Peers that are not in `seen` are forgotten. */
export function observe(before: TunnelHealth, atMs: number, seen: ReadonlyMap<string, Counters>): TunnelHealth {
  const gap = atMs - before.atMs;
  const continues = gap >= 0 && gap <= GAP_MS_MAX;
  const peers = [...seen].map(
    ([key, counters]) => [key, judge(before.peers.get(key), counters, atMs, continues)] as const,
  );
  return { atMs, peers: new Map(peers) };
}

/** Nobody is dead or suspected: until more is sent, the next look can bring nothing. */
export function isCalm({ peers }: TunnelHealth): boolean {
  return [...peers.values()].every(({ dead, unanswered }) => !dead && unanswered.length === 0);
}

function judge(before: PeerHealth | undefined, now: Counters, atMs: number, continues: boolean): PeerHealth {
  const { received, sent } = now;
  const alive: PeerHealth = { received, sent, unanswered: [], dead: false };
  // Counters that went back belong to another interface: nothing is known of it.
  if (!before || received !== before.received || sent < before.sent) return alive;
  if (before.dead) return { ...alive, dead: true };
  const recent = continues && atMs - (before.unanswered.at(-1) ?? atMs) <= SILENCE_MS_MAX ? before.unanswered : [];
  const unanswered = sent - before.sent > BARE_SEGMENT_BYTES ? [...recent, atMs] : recent;
  return { ...alive, unanswered, dead: isDead(unanswered, atMs) };
}

function isDead(unanswered: readonly number[], atMs: number): boolean {
  const [first = atMs, second = atMs] = unanswered;
  return unanswered.length >= UNANSWERED_LOOKS && atMs - first >= DEAD_AFTER_MS && atMs - second >= OWED_MS;
}
