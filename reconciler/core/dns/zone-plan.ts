// What is to be done in one zone. Law: many deletions at once are held back until a person agrees, because they look the same as a server
// that lies, a list that ends early, or a merge that went wrong.
import type { RecordSet, ZoneRecords } from '../../ports/dns-zone.ts';
import { type NamePlan, planName } from './name-plan.ts';
import { isOwnerRecord, readOwner } from './owner-text.ts';

/** Of the names that are ours in a zone, from this many deletions on. */
export const DELETED_PERCENT_MAX = 30;
export const DELETED_COUNTED_FROM = 10;

export type Change = Extract<NamePlan, { kind: 'change' }>;
export type Foreign = Extract<NamePlan, { kind: 'foreign' }>;

export interface ZonePlan {
  zone: string;
  /** Sorted by name; deletions last. */
  changes: readonly Change[];
  /** Deletions that wait for a person. */
  held: readonly Change[];
  foreign: readonly Foreign[];
}

export interface ZonePlanInput {
  zone: string;
  owner: string;
  /** What is wanted at the names that are looked at; undefined: what is ours there stays. */
  wanted: ReadonlyMap<string, readonly RecordSet[] | undefined>;
  /** What stands at these names and at their owner records. */
  found: ZoneRecords;
  /** Names that are ours now, as far as is known: what deletions are counted against. */
  owned: number;
  /** Names that a person gave to us. */
  adopted?: ReadonlySet<string>;
  /** As many deletions a person agreed to. */
  deletionsAgreed?: number;
}

export function planZone(input: ZonePlanInput): ZonePlan {
  const { zone, owner, wanted, found, owned, adopted, deletionsAgreed = 0 } = input;
  const plans = [...wanted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sets]) => planName({ name, zone, owner, wanted: sets, adopt: adopted?.has(name) ?? false }, found));
  const changes = plans.filter((plan) => plan.kind === 'change');
  const foreign = plans.filter((plan) => plan.kind === 'foreign');
  const deletions = changes.filter(({ verb }) => verb === 'delete');
  const others = changes.filter(({ verb }) => verb !== 'delete');
  const isMass = deletions.length >= DELETED_COUNTED_FROM && deletions.length * 100 > owned * DELETED_PERCENT_MAX;
  const waiting = deletions.filter((one) => isMass || holdsAddresses(one));
  const held = waiting.length <= deletionsAgreed ? [] : waiting;
  const passed = deletions.filter((one) => !held.includes(one));
  return { zone, changes: [...others, ...passed], held, foreign };
}

/** The name of a pool, or an apex: whole zones, also of other people, may lead there. No such name goes by itself. */
export function holdsAddresses({ before }: Pick<Change, 'before'>): boolean {
  return before.some(({ type }) => type === 'A' || type === 'AAAA');
}

/** The names that are ours by their owner records in a list of the zone. */
export function ownedNames(zone: string, owner: string, found: ZoneRecords): Set<string> {
  const names = new Set<string>();
  for (const [record, { sets }] of found) {
    if (!isOwnerRecord(record, zone)) continue;
    for (const { type, values } of sets) {
      if (type !== 'TXT') continue;
      for (const text of values) {
        const said = readOwner(text, record, zone);
        if (said?.owner === owner) names.add(said.name);
      }
    }
  }
  return names;
}
