// What is to be done in a whole zone: it is listed, or its names are asked one by one where it cannot be. Law: it only reads.
import { ownedNames, planZone, type ZonePlan } from '../core/dns/zone-plan.ts';
import type { RecordSet, ZoneReader, ZoneRecords, ZoneWriter } from '../ports/dns-zone.ts';
import type { KeptNames } from '../ports/kept-names.ts';
import { longEnough, withOwners } from './settle-names.ts';

export interface ZoneLook {
  zone: string;
  owner: string;
  access: ZoneReader & Pick<ZoneWriter, 'ttlMin'>;
  kept: Pick<KeptNames, 'dnsNames'>;
  /** All that git wants of the zone; undefined sets: what is ours there stays. */
  wanted: ReadonlyMap<string, readonly RecordSet[] | undefined>;
  adopted?: ReadonlySet<string>;
  /** Of a name that is ours and none of `wanted`: true where it is not to be deleted. Default: never. */
  stays?(name: string): boolean;
  /** These names alone: nothing is deleted. */
  only?: true;
  deletionsAgreed?: number;
  signal: AbortSignal;
}

export interface ZoneLooked {
  plan: ZonePlan;
  /** False: the zone cannot be listed, so only names that git wants or that were kept were asked. */
  listed: boolean;
  /** Names that are ours there, as far as was seen. */
  owned: ReadonlySet<string>;
}

/** @throws KokoaError dns_unreachable, dns_refused, dns_credentials, dns_throttled, and when what is kept cannot be read */
export async function lookAtZone(look: ZoneLook): Promise<ZoneLooked> {
  const { zone, owner, access, kept, adopted, deletionsAgreed, signal, only = false, stays = () => false } = look;
  const wanted = new Map([...look.wanted].map(([name, sets]) => [name, sets && longEnough(sets, access.ttlMin)]));
  const remembered = only ? [] : await kept.dnsNames(zone);
  const list = only ? undefined : await access.list(signal);
  const asked = new Set([...wanted.keys(), ...remembered]);
  const found: ZoneRecords = list ?? (await access.read(withOwners([...asked], zone), signal));
  const ours = ownedNames(zone, owner, found);
  // What is ours and not wanted any more: by the records themselves or, where these cannot be listed, by what we remember.
  for (const name of only ? [] : [...ours, ...remembered]) if (!wanted.has(name) && !stays(name)) wanted.set(name, []);
  const plan = planZone({
    ...{ zone, owner, wanted, found, owned: ours.size },
    ...(adopted && { adopted }),
    ...(deletionsAgreed !== undefined && { deletionsAgreed }),
  });
  return { plan, listed: list !== undefined, owned: ours };
}
