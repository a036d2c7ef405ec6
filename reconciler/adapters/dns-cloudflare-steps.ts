// What is sent for a change: pure. Law: only records of the change's types whose value is in `before` are touched, by their ids; and what we write
// is never proxied, because then visitors would get Cloudflare's addresses, and no edge.
import type { RecordBatchParams } from 'cloudflare/resources/dns/records';
import { fits, typesOf } from '../core/dns/record-set.ts';
import type { NameChange, RecordType } from '../ports/dns-zone.ts';
import type { CloudflareRecord } from './dns-cloudflare-answers.ts';
import { atName, canonicalContent, contentOf, ttlOf } from './dns-cloudflare-records.ts';

interface Written {
  type: RecordType;
  name: string;
  content: string;
  ttl: number;
  proxied: false;
}

export type Step =
  | { kind: 'delete'; id: string }
  | { kind: 'patch'; id: string; record: Written }
  | { kind: 'post'; record: Written };

/** What one batch may do in a zone of the free plan (developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes). */
export const STEPS_MAX = 200;

/** Whether a change may be made where these records stand. */
export function mayBeMade(change: NameChange, records: readonly CloudflareRecord[]): boolean {
  // Cloudflare takes a text beside a CNAME, which no server should (RFC 1034, 3.6.2).
  const isBesideCname = typesOf(change).includes('TXT') && records.some(({ type }) => type.toUpperCase() === 'CNAME');
  return fits(change, atName(records)) && !(isBesideCname && change.after.length > 0);
}

/** None: it is as it should be. `records`: what stands at the name, and `mayBeMade`. */
export function stepsOf(change: NameChange, records: readonly CloudflareRecord[]): Step[] {
  return typesOf(change).flatMap((type) => stepsOfType(type, change, records));
}

function stepsOfType(type: RecordType, { name, before, after }: NameChange, all: readonly CloudflareRecord[]): Step[] {
  const known = before.find((set) => set.type === type)?.values ?? [];
  const wanted = after.find((set) => set.type === type);
  const missing = new Set(wanted?.values);
  const ttl = wanted?.ttl ?? 0;
  const write = (value: string): Written => ({ type, name, content: contentOf(type, value), ttl, proxied: false });

  const steps: Step[] = [];
  const spare: string[] = [];
  for (const record of all) {
    const value = record.type.toUpperCase() === type ? canonicalContent(type, record) : undefined;
    if (value === undefined || !known.includes(value)) continue;
    if (!missing.delete(value)) spare.push(record.id);
    else if (ttlOf(record) !== ttl || record.proxied === true)
      steps.push({ kind: 'patch', id: record.id, record: write(value) });
  }
  // A record that becomes another leaves no moment without any, wherever the change has arrived.
  for (const value of missing) {
    const id = spare.shift();
    steps.push(id === undefined ? { kind: 'post', record: write(value) } : { kind: 'patch', id, record: write(value) });
  }
  return [...steps, ...spare.map((id): Step => ({ kind: 'delete', id }))];
}

/** Done in one transaction: deletes first, then patches, then posts. */
export function batchOf(steps: readonly Step[]): Omit<RecordBatchParams, 'zone_id'> {
  return {
    deletes: steps.filter((step) => step.kind === 'delete').map(({ id }) => ({ id })),
    patches: steps.filter((step) => step.kind === 'patch').map(({ id, record }) => ({ id, ...record })),
    posts: steps.filter((step) => step.kind === 'post').map(({ record }) => record),
  };
}
