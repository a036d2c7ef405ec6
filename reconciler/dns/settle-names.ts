// One piece of work in a zone: look at some names, decide, write, and look again. Law: nothing counts as done that was not read back; what is
// written is known on disk before; and whatever the provider did or left half done, the next look begins with what stands there.
import { setTimeout as delay } from 'node:timers/promises';
import { type NamePlan, planName } from '../core/dns/name-plan.ts';
import { ownerRecord } from '../core/dns/owner-text.ts';
import { isMade } from '../core/dns/record-set.ts';
import { holdsAddresses } from '../core/dns/zone-plan.ts';
import { CHANGES_MAX, type RecordSet, type ZoneAccess, type ZoneRecords } from '../ports/dns-zone.ts';
import type { KeptNames } from '../ports/kept-names.ts';

/** Of one piece: a failover that comes meanwhile waits for no more. */
export const PIECE_NAMES_MAX = Math.min(200, CHANGES_MAX);
/** How long an authority may take to show what it took. */
const READ_BACK_MS = 5_000;
/** The first pause; it doubles, because each look may cost a request. */
const READ_BACK_MS_MIN = 100;

export interface Piece {
  zone: string;
  owner: string;
  access: ZoneAccess;
  kept: KeptNames;
  /** At most PIECE_NAMES_MAX; empty sets: nothing is wanted there. Undefined: what is ours there stays. */
  wanted: ReadonlyMap<string, readonly RecordSet[] | undefined>;
  /** Names that a person gave to us. */
  adopted?: ReadonlySet<string>;
  /** A person agreed that names which hold addresses may go. */
  deletesAddresses?: boolean;
  signal: AbortSignal;
  readBackMs?: number;
}

export type NameEnd =
  /** As git wants it. `changed`: by us, just now. */
  | { kind: 'settled'; changed: boolean }
  /** Not ours: left alone. */
  | { kind: 'foreign'; reason: string; adoptable: boolean }
  /** To be tried again: something else stood there, or the server did not do what it said. */
  | { kind: 'open'; reason: string }
  /** It holds addresses, to which others may lead: a person has to agree that it goes. */
  | { kind: 'held'; reason: string }
  /** The provider says no, and will next time. */
  | { kind: 'refused'; reason: string };

export interface PieceEnd {
  names: ReadonlyMap<string, NameEnd>;
  /** Why the provider did not go on. */
  stopped?: Error;
  retryAfterMs?: number;
}

type Change = Extract<NamePlan, { kind: 'change' }>;

/** @throws what `access` throws when it cannot read */
export async function settleNames(piece: Piece): Promise<PieceEnd> {
  const { zone, owner, access, kept, signal, adopted } = piece;
  const wanted = new Map([...piece.wanted].map(([name, sets]) => [name, sets && longEnough(sets, access.ttlMin)]));
  const names = new Map<string, NameEnd>();
  const found = await access.read(withOwners([...wanted.keys()], zone), signal);
  const changes: Change[] = [];
  for (const [name, sets] of wanted) {
    const plan = planName({ name, zone, owner, wanted: sets, adopt: adopted?.has(name) ?? false }, found);
    const isHeld = plan.kind === 'change' && plan.verb === 'delete' && holdsAddresses(plan) && !piece.deletesAddresses;
    if (isHeld) names.set(name, { kind: 'held', reason: 'it holds addresses, to which other names may lead' });
    else if (plan.kind === 'change') changes.push(plan);
    else names.set(name, plan.kind === 'settled' ? { kind: 'settled', changed: false } : foreignEnd(plan));
  }
  if (changes.length === 0) return { names };
  await kept.keepDnsNames(
    zone,
    changes.map(({ name }) => name),
  );
  const written = await access.write(
    changes.map(({ change }) => change),
    signal,
  );
  const stands = await readBack(
    piece,
    changes,
    written.outcomes.map(({ kind }) => kind === 'done'),
  );
  changes.forEach((plan, index) => {
    const outcome = written.outcomes[index] ?? { kind: 'unknown' };
    names.set(plan.name, endOf(plan, outcome, stands));
  });
  const gone = changes.filter(({ name, verb }) => verb === 'delete' && names.get(name)?.kind === 'settled');
  await kept.dropDnsNames(
    zone,
    gone.map(({ name }) => name),
  );
  const { stopped, retryAfterMs } = written;
  return { names, ...(stopped && { stopped }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** These names, and where it stands whose they are. */
export function withOwners(names: readonly string[], zone: string): string[] {
  return names.flatMap((name) => [name, ownerRecord(name, zone)]);
}

/** No provider keeps a record for less than it can. */
export function longEnough(sets: readonly RecordSet[], ttlMin: number): RecordSet[] {
  return sets.map((set) => ({ ...set, ttl: Math.max(set.ttl, ttlMin) }));
}

/** What stands once all that was said to be done is there, or the time is over. */
async function readBack(
  { zone, access, signal, readBackMs = READ_BACK_MS }: Piece,
  changes: readonly Change[],
  isDone: readonly boolean[],
): Promise<ZoneRecords> {
  const looked = withOwners(
    changes.map(({ name }) => name),
    zone,
  );
  const done = changes.filter((_, index) => isDone[index]);
  const untilMs = performance.now() + readBackMs;
  for (let pauseMs = READ_BACK_MS_MIN; ; pauseMs *= 2) {
    const stands = await access.read(looked, signal);
    if (performance.now() + pauseMs >= untilMs || done.every((plan) => stoodUp(plan, stands))) return stands;
    await delay(pauseMs, undefined, { signal });
  }
}

function stoodUp({ change }: Change, stands: ZoneRecords): boolean {
  return change.every((step) => isMade(step, stands.get(step.name)));
}

function endOf(
  plan: Change,
  outcome:
    | { kind: 'done' }
    | { kind: 'clash'; name: string }
    | { kind: 'refused'; reason: string }
    | { kind: 'unknown' },
  stands: ZoneRecords,
): NameEnd {
  // Whatever was said: what stands decides.
  if (stoodUp(plan, stands)) return { kind: 'settled', changed: true };
  if (outcome.kind === 'refused') return { kind: 'refused', reason: outcome.reason };
  if (outcome.kind === 'done') return { kind: 'open', reason: 'the server said yes and does not have it' };
  if (outcome.kind === 'clash')
    return { kind: 'open', reason: `${outcome.name} was changed by somebody else meanwhile` };
  return { kind: 'open', reason: 'not written yet' };
}

function foreignEnd({ reason, adoptable }: Extract<NamePlan, { kind: 'foreign' }>): NameEnd {
  return { kind: 'foreign', reason, adoptable };
}
