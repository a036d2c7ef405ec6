// What is to be done at one name: a pure comparison of what git wants, what stands there, and whose it is. Law: a name changes only where it is
// ours, free, or was given to us by a person; everything else is told and left alone.
import type { NameRecords, RecordSet, ZoneChange, ZoneRecords } from '../../ports/dns-zone.ts';
import { ownerRecord, ownerText, readOwner } from './owner-text.ts';
import { sameSets } from './record-set.ts';

export interface Asked {
  name: string;
  zone: string;
  /** Of this installation (owner-text.ts). */
  owner: string;
  /** Empty: nothing. Undefined: what is ours there stays as it is. */
  wanted: readonly RecordSet[] | undefined;
  /** A person said that this name is ours from now on, whatever stands there. */
  adopt?: boolean;
}

export type Verb = 'create' | 'change' | 'delete' | 'adopt';

export type NamePlan =
  | { kind: 'settled' }
  | {
      kind: 'change';
      verb: Verb;
      name: string;
      change: ZoneChange;
      before: readonly RecordSet[];
      after: readonly RecordSet[];
    }
  /** Something that is not ours stands there. `reason`: one line. */
  | { kind: 'foreign'; name: string; reason: string; adoptable: boolean };

/** `found` holds what stands at the name and at its owner record. */
export function planName(asked: Asked, found: ZoneRecords): NamePlan {
  const { name, zone, owner, wanted, adopt = false } = asked;
  const record = ownerRecord(name, zone);
  const [here, said] = [found.get(name), found.get(record)];
  const before = addressOrAlias(here);
  const holder = holderOf(said, record, zone);
  const isOurs = holder === owner;
  if (wanted === undefined) return { kind: 'settled' };
  if (wanted.length === 0) {
    if (!isOurs) return { kind: 'settled' };
    const change = [step(name, before, []), { name: record, before: textsOf(said), after: [] }];
    return { kind: 'change', verb: 'delete', name, change: without(change), before, after: [] };
  }
  const beside = besideAlias(wanted, here);
  if (beside !== undefined)
    return { kind: 'foreign', name, reason: `${beside} stands beside it, and a CNAME stands alone`, adoptable: false };
  const isMade = sameSets(before, wanted, { withTtl: true }) && here?.steered === undefined;
  if (isOurs && isMade) return { kind: 'settled' };
  if (!isOurs && !adopt) {
    if (holder !== undefined)
      return foreign(name, `it belongs to ${holder === '' ? 'somebody else' : `installation ${holder}`}`);
    if (before.length > 0) return foreign(name, `${shownSets(before)} stands there, and is not ours`);
  }
  const ttl = wanted[0]!.ttl;
  const ours: RecordSet = { type: 'TXT', ttl, values: [ownerText({ owner, name })] };
  const change = [
    ...(isOurs ? [] : [{ name: record, before: textsOf(said), after: [ours] }]),
    ...(isMade ? [] : [step(name, before, wanted)]),
  ];
  const verb = isOurs ? 'change' : before.length === 0 && holder === undefined ? 'create' : 'adopt';
  return { kind: 'change', verb, name, change, before, after: wanted };
}

/** As it is shown to people: `CNAME edges.hoge.com`, `A 198.51.100.11 198.51.100.12`. */
export function shownSets(sets: readonly RecordSet[]): string {
  return sets.map(({ type, values }) => `${type} ${values.join(' ')}`).join(', ');
}

/** Undefined: nobody's. '': a text stands there that we did not write. */
function holderOf(said: NameRecords | undefined, record: string, zone: string): string | undefined {
  if (said?.others.includes('TXT')) return '';
  const texts = textsOf(said).flatMap(({ values }) => values);
  if (texts.length === 0) return said === undefined ? undefined : '';
  const owners = texts.map((text) => readOwner(text, record, zone)?.owner ?? '');
  return owners.length === 1 ? owners[0] : '';
}

function besideAlias(wanted: readonly RecordSet[], here: NameRecords | undefined): string | undefined {
  if (!wanted.some(({ type }) => type === 'CNAME')) return undefined;
  return here?.others[0] ?? here?.sets.find(({ type }) => type === 'TXT')?.type;
}

function foreign(name: string, reason: string): NamePlan {
  return { kind: 'foreign', name, reason, adoptable: true };
}

function step(name: string, before: readonly RecordSet[], after: readonly RecordSet[]) {
  return { name, before, after };
}

/** A step that changes nothing is none. */
function without(change: ZoneChange): ZoneChange {
  return change.filter(({ before, after }) => before.length > 0 || after.length > 0);
}

function addressOrAlias(here: NameRecords | undefined): readonly RecordSet[] {
  return (here?.sets ?? []).filter(({ type }) => type !== 'TXT');
}

function textsOf(said: NameRecords | undefined): readonly RecordSet[] {
  return (said?.sets ?? []).filter(({ type }) => type === 'TXT');
}
