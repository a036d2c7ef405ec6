// Where the proof of a wildcard stands in DNS (RFC 8555, 8.4), and what must not be written. Law: nothing but a TXT record at a name with the
// label `_acme-challenge`, in a zone that kokoa.yaml says is written.

import type { Zone } from '../../schemas/types.ts';
import { canProve, zoneOf } from './certificate-rules.ts';

const LABEL = '_acme-challenge';
/** The sha256 of a key authorization in base64url: 43 characters, of which the last holds four bits. */
const VALUE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const NAME = /^(?=.{3,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** CNAMEs that are followed from the name that the CA asks to the one that is written. */
export const HOPS_MAX = 8;

/** Where the CA looks for the proof of a certificate: the same name for `*.x` and for `x`. */
export function challengeRecord(certificate: string): string {
  return `${LABEL}.${certificate.replace(/^\*\./, '')}`;
}

/** The zone of kokoa.yaml in which a certificate is named, wherever its proof is written in the end; undefined: none. */
export function zoneOfCertificate(certificate: string, zones: ReadonlyMap<string, Zone>): string | undefined {
  return namedZone(challengeRecord(certificate), zones)?.name;
}

export function isChallengeValue(value: unknown): value is string {
  return typeof value === 'string' && VALUE.test(value);
}

/** A name out of DNS in the one spelling, lower case and without the last dot; undefined: none that is followed or written. */
export function dnsName(found: string): string | undefined {
  const name = found.toLowerCase().replace(/\.$/, '');
  return NAME.test(name) ? name : undefined;
}

/** True for a name that the challenge writer may touch in this zone: a label of it is `_acme-challenge`. */
export function mayBeWritten(record: string, zone: string): boolean {
  if (dnsName(record) !== record || !record.endsWith(`.${zone}`)) return false;
  return record
    .slice(0, -zone.length - 1)
    .split('.')
    .includes(LABEL);
}

/** The names between a record and its zone that visitors may use, the shortest first: a record below makes each of them exist. */
export function namesAbove(record: string, zone: string): string[] {
  const labels = record.slice(0, -zone.length - 1).split('.');
  const names = labels.map((_, at) => `${labels.slice(at).join('.')}.${zone}`).slice(1);
  return names.filter((name) => !name.startsWith('_')).reverse();
}

export type Place =
  | { kind: 'write'; zone: string; record: string }
  /** People manage the zone, and say that the name is a CNAME: it is looked up in public. */
  | { kind: 'follow'; record: string }
  | { kind: 'refused'; reason: string };

/** Where the way begins. */
export function firstPlace(certificate: string, zones: ReadonlyMap<string, Zone>): Place {
  const record = challengeRecord(certificate);
  const named = namedZone(record, zones);
  if (named === undefined || !canProve(named.zone))
    return { kind: 'refused', reason: `no zone of kokoa.yaml lets the reconciler prove ${certificate}` };
  return named.zone.provider === 'manual' ? { kind: 'follow', record } : { kind: 'write', zone: named.name, record };
}

/**
 * Where a CNAME leads. In a zone that is written, only the subtree `_acme-challenge.ZONE` is ours: whoever sets a CNAME somewhere else must
 * not make us write at any other name.
 */
export function nextPlace(target: string, zones: ReadonlyMap<string, Zone>): Place {
  const record = dnsName(target);
  if (record === undefined) return { kind: 'refused', reason: 'a CNAME leads to a name that is none' };
  const named = namedZone(record, zones);
  if (named === undefined || named.zone.provider === 'manual') return { kind: 'follow', record };
  if (record.endsWith(`.${LABEL}.${named.name}`)) return { kind: 'write', zone: named.name, record };
  return { kind: 'refused', reason: `a CNAME leads to ${record}, expected a name below ${LABEL}.${named.name}` };
}

function namedZone(name: string, zones: ReadonlyMap<string, Zone>): { name: string; zone: Zone } | undefined {
  return zoneOf(name, new Map([...zones].map(([zoneName, zone]) => [zoneName, { name: zoneName, zone }])));
}
