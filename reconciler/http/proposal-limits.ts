// How much one team may ask for. Law: one request of a team is worked on at a time, few wait behind it, and so many begin in a minute and
// in an hour; another team never waits for it.

export const PROPOSALS_PER_MINUTE_MAX = 30;
/** GitHub takes 5000 requests an hour from the reconciler, its checks and comments among them; a proposal is up to nine. */
export const PROPOSALS_PER_HOUR_MAX = 300;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WINDOWS = [
  [PROPOSALS_PER_MINUTE_MAX, MINUTE_MS],
  [PROPOSALS_PER_HOUR_MAX, HOUR_MS],
] as const;
/** Requests of one team that wait for their turn. */
export const WAITING_MAX = 10;
/** Requests of one team whose bodies come in: what has come of them is in memory. */
const READING_MAX = 10;

export interface ProposalLimits {
  /** Runs `read` at once; undefined: too many come in already. */
  whileReading<T>(team: string, read: () => Promise<T>): Promise<T> | undefined;
  /** Runs `work` when it is its turn; undefined: too many wait already. */
  inTurn<T>(team: string, work: () => Promise<T>): Promise<T> | undefined;
  /** Counts one; what is answered otherwise are the seconds until there is room again. */
  begin(team: string, nowMs: number): number | undefined;
}

/** What is kept is bounded by the teams that have tokens. */
export function createProposalLimits(): ProposalLimits {
  const lines = new Map<string, { length: number; last: Promise<unknown> }>();
  const begun = new Map<string, number[]>();
  const reading = new Map<string, number>();
  return {
    whileReading(team, read) {
      const count = reading.get(team) ?? 0;
      if (count >= READING_MAX) return undefined;
      reading.set(team, count + 1);
      return read().finally(() => reading.set(team, reading.get(team)! - 1));
    },
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
      const recent = (begun.get(team) ?? []).filter((ms) => ms > nowMs - HOUR_MS && ms <= nowMs);
      begun.set(team, recent);
      const waitMs = Math.max(
        ...WINDOWS.map(([max, ms]) => (recent.at(-max) ?? Number.NEGATIVE_INFINITY) + ms - nowMs),
      );
      if (waitMs > 0) return Math.ceil(waitMs / 1000);
      recent.push(nowMs);
      return undefined;
    },
  };
}
