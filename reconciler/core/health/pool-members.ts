// Which edges of a pool visitors are sent to. Law: an unhealthy edge leaves only while enough healthy ones stay, and the set is never emptied;
// when all fail at once it is the network that is believed to be wrong; and an edge that comes and goes is taken back ever more slowly.

/** How long an edge that fell for the second time must be healthy before it returns; doubled with each fall. After the first it returns at once. */
export const RETURN_MS_MIN = 60_000;
export const RETURN_MS_MAX = 60 * 60_000;
/** An edge that stayed for so long without a fall begins anew. */
export const FORGIVEN_MS = 6 * 60 * 60_000;

/** Why an edge left that people take out of service: that is no trouble. */
export const TAKEN_OUT = 'it is being taken out of service';

/** An edge of the pool as it stands now. */
export interface Candidate {
  edge: string;
  /** `leaving`: people take it out of service (draining, suspended). */
  wish: 'serve' | 'leaving';
  /** Has applied a configuration, and its address is known. */
  isReady: boolean;
  verdict: 'up' | 'down' | 'unknown';
  reason: string;
}

/** Kept in the store, so that a restart changes nothing. */
export interface Member {
  edge: string;
  inDns: boolean;
  /** ms since the epoch, of the last change of `inDns`. */
  sinceMs: number;
  /** Why it is not in DNS, or in it although it should not be. */
  reason?: string;
  /** How often it fell, until that is forgiven. */
  falls: number;
  /** While it is out: since when it is healthy. */
  healthySinceMs?: number;
}

export type Transition =
  | { kind: 'entered' | 'returned'; edge: string }
  | { kind: 'withdrawn' | 'left'; edge: string; reason: string }
  /** Should leave, and stays. */
  | { kind: 'kept'; edge: string; reason: string }
  | { kind: 'kept_no_more'; edge: string };

export interface PoolStep {
  /** By name, sorted. */
  members: readonly Member[];
  transitions: readonly Transition[];
}

export interface PoolRules {
  minHealthy: number;
}

export function stepPool(
  before: readonly Member[],
  candidates: readonly Candidate[],
  { minHealthy }: PoolRules,
  atMs: number,
): PoolStep {
  const known = new Map(before.map((member) => [member.edge, member]));
  const sorted = [...candidates].sort((a, b) => (a.edge < b.edge ? -1 : 1));
  const transitions: Transition[] = [];
  const isEveryoneDown = sorted.every(({ verdict, isReady }) => verdict === 'down' || !isReady);
  const members = new Map<string, Member>();

  for (const candidate of sorted) {
    const member = known.get(candidate.edge) ?? newMember(candidate.edge, atMs);
    members.set(candidate.edge, arrive(member, candidate, known.has(candidate.edge), atMs, transitions));
  }
  const inDns = () => sorted.filter(({ edge }) => members.get(edge)!.inDns);
  // Nobody is there yet: better all who may than none.
  if (inDns().length === 0) {
    const some = sorted.filter(({ isReady }) => isReady);
    const willing = some.filter(({ wish }) => wish === 'serve');
    for (const { edge } of willing.length > 0 ? willing : some) {
      members.set(edge, enter(members.get(edge)!, atMs));
      transitions.push({ kind: 'entered', edge });
    }
  }
  // Too few there serve: whoever does comes back, however often it fell.
  const serving = inDns().filter(({ verdict }) => verdict === 'up').length;
  if (serving < Math.max(1, minHealthy))
    for (const candidate of sorted) {
      const member = members.get(candidate.edge)!;
      if (member.inDns || !isWell(candidate)) continue;
      members.set(candidate.edge, enter(member, atMs));
      transitions.push({ kind: member.reason === undefined ? 'entered' : 'returned', edge: candidate.edge });
    }
  for (const candidate of inDns()) {
    const why = reasonToLeave(candidate);
    const member = members.get(candidate.edge)!;
    if (why === undefined) {
      if (member.reason !== undefined) transitions.push({ kind: 'kept_no_more', edge: candidate.edge });
      members.set(candidate.edge, keptNoMore(member));
      continue;
    }
    const staying = inDns().filter(({ edge }) => edge !== candidate.edge);
    const kept = keptBecause(candidate, staying, isEveryoneDown, minHealthy);
    if (kept === undefined) {
      members.set(candidate.edge, leave(member, candidate, why, atMs));
      transitions.push({
        kind: candidate.wish === 'leaving' ? 'left' : 'withdrawn',
        edge: candidate.edge,
        reason: why,
      });
      continue;
    }
    const reason = `${why}; it stays in DNS because ${kept}`;
    if (member.reason === undefined) transitions.push({ kind: 'kept', edge: candidate.edge, reason });
    members.set(candidate.edge, { ...member, reason });
  }
  return { members: sorted.map(({ edge }) => members.get(edge)!), transitions };
}

/** Whoever is out, and may come in. */
function arrive(member: Member, candidate: Candidate, isKnown: boolean, atMs: number, told: Transition[]): Member {
  if (member.inDns) return member;
  if (!isWell(candidate)) return unwell(member);
  // A clock that went back begins the wait anew.
  const healthySinceMs = Math.min(member.healthySinceMs ?? atMs, atMs);
  if (atMs - healthySinceMs < returnMsAfter(member.falls)) return { ...member, healthySinceMs };
  told.push({ kind: isKnown && member.reason !== undefined ? 'returned' : 'entered', edge: member.edge });
  return enter(member, atMs);
}

function isWell({ wish, isReady, verdict }: Candidate): boolean {
  return wish === 'serve' && isReady && verdict === 'up';
}

function reasonToLeave({ wish, isReady, verdict, reason }: Candidate): string | undefined {
  if (!isReady) return 'it has no configuration or no address';
  if (wish === 'leaving') return TAKEN_OUT;
  return verdict === 'down' ? reason : undefined;
}

function keptBecause(
  { wish }: Candidate,
  staying: readonly Candidate[],
  isEveryoneDown: boolean,
  minHealthy: number,
): string | undefined {
  if (staying.length === 0) return 'no other edge is in DNS';
  if (isEveryoneDown) return 'every edge of the pool looks down, so the network is believed to be wrong';
  const healthy = staying.filter((one) => one.verdict === 'up' && one.isReady && one.wish === 'serve').length;
  if (wish === 'leaving') return healthy === 0 ? 'no healthy edge would be left' : undefined;
  return healthy < minHealthy ? `fewer than ${minHealthy} healthy edges would be left` : undefined;
}

function newMember(edge: string, atMs: number): Member {
  return { edge, inDns: false, sinceMs: atMs, falls: 0 };
}

function enter({ edge, falls }: Member, atMs: number): Member {
  return { edge, inDns: true, sinceMs: atMs, falls };
}

function leave({ edge, sinceMs, falls }: Member, { wish }: Candidate, reason: string, atMs: number): Member {
  const fallen = atMs - sinceMs >= FORGIVEN_MS ? 1 : falls + 1;
  return { edge, inDns: false, sinceMs: atMs, reason, falls: wish === 'leaving' ? 0 : fallen };
}

function returnMsAfter(falls: number): number {
  return falls < 2 ? 0 : Math.min(RETURN_MS_MAX, RETURN_MS_MIN * 2 ** (falls - 2));
}

function keptNoMore({ reason: _, ...member }: Member): Member {
  return member;
}

function unwell({ healthySinceMs: _, ...member }: Member): Member {
  return member;
}
