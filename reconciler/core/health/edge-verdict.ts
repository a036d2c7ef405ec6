// Whether an edge serves, judged by all who look at it. Law: two must see it down, and more than see it up; whoever is itself cut off counts for
// nothing; and when nobody is left who could tell, nothing is decided.

/** What somebody sees of an edge. */
export interface View {
  up: boolean;
  /** ISO 8601. */
  since: string;
  /** Why it is down. */
  reason?: string;
}

/** Everything that is known of one edge. */
export interface Evidence {
  /** Of the reconciler's own checks; undefined: not decided yet, or the reconciler is itself cut off. */
  own: View | undefined;
  /** Of other edges that were heard lately, by name. */
  peers: ReadonlyMap<string, View>;
  /** True when its reports stopped although others are heard. */
  isSilent: boolean;
}

export interface Vote extends View {
  /** RECONCILER, HEARTBEAT, or the name of an edge. */
  by: string;
}

export const RECONCILER = 'reconciler';
export const HEARTBEAT = 'heartbeat';

export interface Verdict {
  state: 'up' | 'down' | 'unknown';
  /** Who says what: the reconciler, then edges by name. */
  votes: readonly Vote[];
}

/** How many must see it down. */
export const VOTES_DOWN_MIN = 2;

export function judgeEdge({ own, peers, isSilent }: Evidence): Verdict {
  const votes: Vote[] = own === undefined ? [] : [{ by: RECONCILER, ...own }];
  for (const [by, view] of [...peers].sort(([a], [b]) => (a < b ? -1 : 1))) votes.push({ by, ...view });
  // Silence goes over the same wires as the reconciler's own look, so it is asked only where nobody else looks.
  if (isSilent && peers.size === 0 && own?.up === false)
    votes.push({ by: HEARTBEAT, up: false, since: own.since, reason: 'silent: no report comes' });
  const up = votes.filter((vote) => vote.up).length;
  const down = votes.length - up;
  if (down >= VOTES_DOWN_MIN && down > up) return { state: 'down', votes };
  return { state: up > down ? 'up' : 'unknown', votes };
}

/** `timeout: no answer within 1.5 s, seen by reconciler and tokyo-2`. */
export function reasonOf({ votes }: Verdict): string {
  const against = votes.filter((vote) => !vote.up);
  const by = against.map((vote) => vote.by);
  const seen = by.length < 2 ? by.join('') : `${by.slice(0, -1).join(', ')} and ${by.at(-1)}`;
  return `${against[0]?.reason ?? 'no reason'}, seen by ${seen}`;
}
