// Who owns a name: a TXT record in one subtree of the zone, never at or below a name that visitors use, because a record below a name that only
// a wildcard serves takes that name out of DNS (RFC 4592, 2.2.2). Law: a name is ours exactly when that record says so.
import { sha256Hex } from '../../../bundle/canonical.ts';
import { canonicalRecordName } from './record-set.ts';

export const OWNER_LABEL = '_kokoa-owner';
const HASH_CHARACTERS = 32;
const TEXT = /^kokoa1 owner=([0-9a-f]{32}) name=([^ ]{1,253})$/;

export interface Ownership {
  /** Of an installation: the first 32 digits of its fingerprint. */
  owner: string;
  name: string;
}

/** An installation, as its records name it. `fingerprint`: sha256 of root version 1, lower-case hex. */
export function ownerOf(fingerprint: string): string {
  return fingerprint.slice(0, HASH_CHARACTERS);
}

/** Where it stands who owns `name`. */
export function ownerRecord(name: string, zone: string): string {
  return `${sha256Hex(name).slice(0, HASH_CHARACTERS)}.${OWNER_LABEL}.${zone}`;
}

export function ownerText({ owner, name }: Ownership): string {
  return `kokoa1 owner=${owner} name=${name}`;
}

/** Undefined for any other text, and for one that stands at a record of another name. */
export function readOwner(text: string, record: string, zone: string): Ownership | undefined {
  const [, owner, name] = TEXT.exec(text) ?? [];
  if (owner === undefined || name === undefined || canonicalRecordName(name) !== name) return undefined;
  if (name !== zone && !name.endsWith(`.${zone}`)) return undefined;
  return ownerRecord(name, zone) === record ? { owner, name } : undefined;
}

export function isOwnerRecord(record: string, zone: string): boolean {
  return record.endsWith(`.${OWNER_LABEL}.${zone}`);
}
