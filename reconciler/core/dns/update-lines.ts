// Changes as nsupdate takes them (RFC 2136, 2.4 and 2.5). Law: every step says what must stand there, because a server ignores what cannot be
// done and says NOERROR; and no line is made of what is not canonical.
import { type NameChange, RECORD_TYPES, type RecordSet, type ZoneChange } from '../../ports/dns-zone.ts';
import { piecesOf } from './printed-record.ts';
import { canonicalRecordName, canonicalValue, typesOf } from './record-set.ts';
import { isIn } from './transfer.ts';

/** In which pieces a text stands at a name, where that is known. */
export type Spelling = (name: string, text: string) => readonly string[] | undefined;

/** What stands beside addresses and not beside a CNAME. RFC 2136 has no word for "nothing else". */
const NEIGHBOURS = [
  ...['TXT', 'MX', 'NS', 'SOA', 'SRV', 'CAA', 'HTTPS', 'SVCB', 'TLSA', 'NAPTR', 'SSHFP', 'DS', 'DNAME', 'LOC', 'HINFO'],
  ...['PTR', 'URI', 'CERT', 'RP', 'AFSDB', 'OPENPGPKEY', 'SMIMEA'],
];
const TTL_MAX = 2 ** 31 - 1;
/** A message of DNS has at most 65 535 bytes. Without compression, and for what surrounds a record. */
const MESSAGE_BYTES_MAX = 48_000;
const LINE_BYTES_MORE = 16;
const MESSAGE_CHANGES_MAX = 100;

/** False for what nobody may ask a server to do. */
export function isWritable(change: ZoneChange, zone: string): boolean {
  return change.every(
    ({ name, before, after }) =>
      canonicalRecordName(name) === name &&
      isIn(name, zone) &&
      [...before, ...after].every(
        ({ type, ttl, values }) =>
          RECORD_TYPES.includes(type) &&
          Number.isInteger(ttl) &&
          ttl >= 0 &&
          ttl <= TTL_MAX &&
          values.length > 0 &&
          values.every((value) => canonicalValue(type, value) === value),
      ),
  );
}

export function updateLines(change: NameChange, spelling: Spelling = () => undefined): string[] {
  return [...prerequisites(change, spelling), ...updates(change)];
}

function prerequisites(change: NameChange, spelling: Spelling): string[] {
  const { name, before, after } = change;
  const becomesCname = after.some(({ type }) => type === 'CNAME');
  if (becomesCname && before.length === 0) return [`prereq nxdomain ${name}.`];
  const lines = typesOf(change).flatMap((type) => {
    const set = before.find((one) => one.type === type);
    if (set === undefined) return [`prereq nxrrset ${name}. ${type}`];
    return set.values.map((value) => `prereq yxrrset ${name}. ${type} ${printed(name, type, value, spelling)}`);
  });
  const absent = typesOf(change).includes('TXT') ? ['CNAME'] : [];
  const staysCname = before.some(({ type }) => type === 'CNAME');
  if (becomesCname && !staysCname) absent.push(...NEIGHBOURS);
  return [...lines, ...absent.map((type) => `prereq nxrrset ${name}. ${type}`)];
}

function updates({ name, before, after }: NameChange): string[] {
  return [
    ...before.map(({ type }) => `update delete ${name}. ${type}`),
    ...after.flatMap(({ type, ttl, values }) =>
      values.map((value) => `update add ${name}. ${ttl} ${type} ${printed(name, type, value)}`),
    ),
  ];
}

function printed(name: string, type: RecordSet['type'], value: string, spelling?: Spelling): string {
  if (type === 'CNAME') return `${value}.`;
  if (type !== 'TXT') return value;
  return (spelling?.(name, value) ?? piecesOf(value)).map((piece) => `"${piece}"`).join(' ');
}

/** Parts of a list that fit into one message each; no name is twice in one, because its prerequisites look at what was before all of it. */
export function messages<T extends { change: ZoneChange }>(changes: readonly T[]): T[][] {
  const all: T[][] = [];
  let bytes = MESSAGE_BYTES_MAX;
  let names = new Set<string>();
  for (const one of changes) {
    const size = one.change
      .flatMap((name) => updateLines(name))
      .reduce((sum, { length }) => sum + length + LINE_BYTES_MORE, 0);
    const isFull = bytes + size > MESSAGE_BYTES_MAX || all.at(-1)?.length === MESSAGE_CHANGES_MAX;
    if (isFull || one.change.some(({ name }) => names.has(name))) {
      all.push([]);
      bytes = 0;
      names = new Set();
    }
    all.at(-1)?.push(one);
    bytes += size;
    for (const { name } of one.change) names.add(name);
  }
  return all;
}
