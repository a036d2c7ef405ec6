// Lists of Route 53, page by page. Law: a list that contradicts itself, has no end or lacks what every zone has is never taken for the zone.
import type { ListResourceRecordSetsResponse } from '@aws-sdk/client-route-53';
import { KokoaError } from '../../bundle/error.ts';
import { type FoundSet, foundSet, keyOf } from './dns-route53-sets.ts';

/** The most that Route 53 gives at once. */
export const PAGE_SETS = 300;
const SETS_MAX = 200_000;
const PAGES_MAX = 2_000;

export interface Start {
  name: string;
  type?: string;
  identifier?: string;
}

export type AskPage = (start?: Start) => Promise<ListResourceRecordSetsResponse>;

interface Page {
  sets: readonly FoundSet[];
  next: Start | undefined;
}

/**
 * The whole zone, and in how many pages it came.
 * @throws KokoaError dns_unreachable, and what `ask` throws
 */
export async function wholeZone(zone: string, ask: AskPage): Promise<{ sets: readonly FoundSet[]; pages: number }> {
  const all = new Map<string, FoundSet>();
  const { pages } = await eachPage(zone, ask, undefined, (page) => {
    for (const set of page) addOnce(all, set);
    if (all.size > SETS_MAX) throw contradiction(`it has more than ${SETS_MAX} record sets`);
    return true;
  });
  const sets = [...all.values()];
  const hasApex = ['SOA', 'NS'].every((type) => sets.some((set) => set.name === zone && set.type === type));
  if (!hasApex) throw contradiction('the list has no SOA and NS of the zone');
  return { sets, pages };
}

/**
 * What stands at one name.
 * @throws KokoaError dns_unreachable, and what `ask` throws
 */
export async function oneName(zone: string, name: string, ask: AskPage): Promise<readonly FoundSet[]> {
  const all = new Map<string, FoundSet>();
  let isPast = false;
  await eachPage(zone, ask, { name: `${name}.` }, (page) => {
    for (const set of page) {
      if (set.name !== name) isPast = true;
      else if (isPast) throw contradiction('the list is not in order');
      else addOnce(all, set);
    }
    return !isPast;
  });
  return [...all.values()];
}

async function eachPage(
  zone: string,
  ask: AskPage,
  first: Start | undefined,
  take: (sets: readonly FoundSet[]) => boolean,
): Promise<{ pages: number }> {
  const asked = new Set<string>();
  let start = first;
  for (let pages = 1; pages <= PAGES_MAX; pages += 1) {
    asked.add(JSON.stringify(start ?? {}));
    const page = pageOf(await ask(start), zone);
    if (!take(page.sets) || page.next === undefined) return { pages };
    if (asked.has(JSON.stringify(page.next))) throw contradiction('a page leads back to one that was read');
    start = page.next;
  }
  throw contradiction(`the list has more than ${PAGES_MAX} pages`);
}

function pageOf(answer: ListResourceRecordSetsResponse, zone: string): Page {
  const { ResourceRecordSets: list, IsTruncated, NextRecordName, NextRecordType, NextRecordIdentifier } = answer;
  if (!Array.isArray(list) || typeof IsTruncated !== 'boolean') throw contradiction('it is no list of record sets');
  const sets = list.map(foundSet).filter((set) => set !== undefined);
  if (sets.length < list.length) throw contradiction('one of its record sets is none');
  const isForeign = sets.some(({ raw }) => !isWithin(raw.Name!, zone));
  if (isForeign) throw contradiction(`it lists names that are not of ${zone}: is the hosted zone another one?`);
  if (!IsTruncated) return { sets, next: undefined };
  if (NextRecordName === undefined) throw contradiction('the list goes on, and nobody knows where');
  const next = {
    name: NextRecordName,
    ...(NextRecordType !== undefined && { type: NextRecordType }),
    ...(NextRecordIdentifier !== undefined && { identifier: NextRecordIdentifier }),
  };
  return { sets, next };
}

function isWithin(name: string, zone: string): boolean {
  const plain = name.toLowerCase().replace(/\.$/, '');
  return plain === zone || plain.endsWith(`.${zone}`);
}

function addOnce(all: Map<string, FoundSet>, set: FoundSet): void {
  const key = keyOf(set);
  if (all.has(key)) throw contradiction('a record set is listed twice');
  all.set(key, set);
}

export function contradiction(why: string): KokoaError {
  return new KokoaError('dns_unreachable', `what Route 53 answered cannot be true: ${why}`);
}
