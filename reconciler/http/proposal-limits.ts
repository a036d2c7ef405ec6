// How much one team may ask for. Law: one request of a team is worked on at a time, few wait behind it, and so many begin in a minute;
// another team never waits for it.

export const PROPOSALS_PER_MINUTE_MAX = 30;
const MINUTE_MS = 60_000;
/** Requests of one team that wait for their turn. */
export const WAITING_MAX = 10;

export interface ProposalLimits {
  /** Runs `work` when it is its turn; undefined: too many wait already. */
  inTurn<T>(team: string, work: () => Promise<T>): Promise<T> | undefined;
  /** Counts one; what is answered otherwise are the seconds until there is room again. */
  begin(team: string, nowMs: number): number | undefined;
}

/** What is kept is bounded by the teams that have tokens. */
export function createProposalLimits(): ProposalLimits {
  const lines = new Map<string, { length: number; last: Promise<unknown> }>();
  const begun = new Map<string, number[]>();
  return {
    inTurn(team, work) {
      const line = lines.get(team) ?? { length: 0, last: Promise.resolve() };
      if (line.length > WAITING_MAX) return undefined;
      lines.set(team, line);
      line.length += 1;
      const done = line.last.then(work).finally(() => {
        line.length -= 1;
        if (line.length === 0) lines.delete(team);
      });
      line.last = done.catch(() => undefined);
      return done;
    },
    begin(team, nowMs) {
      const recent = (begun.get(team) ?? []).filter((ms) => ms > nowMs - MINUTE_MS && ms <= nowMs);
      begun.set(team, recent);
      const [oldest] = recent;
      if (oldest !== undefined && recent.length >= PROPOSALS_PER_MINUTE_MAX)
        return Math.max(1, Math.ceil((oldest + MINUTE_MS - nowMs) / 1000));
      recent.push(nowMs);
      return undefined;
    },
  };
}
