// What is sent for a change: pure. Law: what stands there is deleted with the very values and TTL that were read, and created only where nothing
// is left, so that Route 53 itself refuses when somebody was faster; what it steers is never touched.
import type { Change } from '@aws-sdk/client-route-53';
import { fits, sameSets, typesOf } from '../core/dns/record-set.ts';
import type { NameChange, RecordSet } from '../ports/dns-zone.ts';
import { atName, type FoundSet, isPlain, sentValue } from './dns-route53-sets.ts';

/** Of one batch: docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html */
export const RECORDS_MAX = 1_000;
export const VALUE_CHARACTERS_MAX = 32_000;

/** Whether a change may be made where these sets stand. */
export function mayBeMade(change: NameChange, found: readonly FoundSet[]): boolean {
  const types: readonly string[] = typesOf(change);
  return found.every((set) => !types.includes(set.type) || isPlain(set)) && fits(change, atName(found));
}

/** None: it is as it should be. `found`: what stands at the name, and `mayBeMade`. */
export function stepsOf(change: NameChange, found: readonly FoundSet[]): Change[] {
  const steps = typesOf(change).map((type) => {
    const stands = found.find((set) => set.type === type);
    const wanted = change.after.find((set) => set.type === type);
    const said = stands === undefined ? [] : (atName([stands])?.sets ?? []);
    if (wanted !== undefined && sameSets(said, [wanted], { withTtl: true })) return { remove: [], create: [] };
    return {
      remove: stands === undefined ? [] : [deleteOf(stands)],
      create: wanted === undefined ? [] : [createOf(change.name, wanted)],
    };
  });
  return [...steps.flatMap(({ remove }) => remove), ...steps.flatMap(({ create }) => create)];
}

/** What counts of steps: records, and characters of their values. */
export function sizeOf(steps: readonly Change[]): [records: number, characters: number] {
  const records = steps.flatMap(({ ResourceRecordSet }) => ResourceRecordSet?.ResourceRecords ?? []);
  return [records.length, records.reduce((sum, { Value }) => sum + (Value?.length ?? 0), 0)];
}

function deleteOf({ raw }: FoundSet): Change {
  const { Name, Type, TTL, ResourceRecords } = raw;
  return { Action: 'DELETE', ResourceRecordSet: { Name, Type, TTL, ResourceRecords } };
}

function createOf(name: string, { type, ttl, values }: RecordSet): Change {
  const ResourceRecords = values.map((value) => ({ Value: sentValue(type, value) }));
  return { Action: 'CREATE', ResourceRecordSet: { Name: `${name}.`, Type: type, TTL: ttl, ResourceRecords } };
}
