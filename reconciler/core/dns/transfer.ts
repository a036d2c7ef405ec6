// A whole zone as a transfer (RFC 5936) prints it. Law: what does not begin and end with the same SOA, or has one line that is no record, is
// not the zone; and what only leads to another zone is not in it.
import { type PrintedRecord, readRecord } from './printed-record.ts';

/** By canonical name. */
export type StandingRecords = ReadonlyMap<string, readonly PrintedRecord[]>;

/** Of a name where another zone begins, these are of this zone. */
const OF_THE_PARENT = ['NS', 'DS'];

/** Undefined: not the whole zone. */
export function readTransfer(text: string, zone: string): StandingRecords | undefined {
  const records: PrintedRecord[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith(';')) continue;
    const record = readRecord(line);
    if (record === undefined) return undefined;
    records.push(record);
  }
  const [first, last] = [records[0], records.at(-1)];
  const soas = records.filter(({ type }) => type === 'SOA');
  if (soas.length !== 2 || soas[0] !== first || soas[1] !== last) return undefined;
  if (first?.name !== zone || last?.name !== zone || first.data !== last.data) return undefined;

  const inZone = records
    .slice(0, -1)
    .filter((record): record is PrintedRecord & { name: string } => isIn(record.name, zone));
  const cuts = new Set(inZone.filter(({ type, name }) => type === 'NS' && name !== zone).map(({ name }) => name));
  return Map.groupBy(
    inZone.filter(({ name, type }) => {
      if (cuts.has(name)) return OF_THE_PARENT.includes(type);
      return !namesAbove(name, zone).some((above) => cuts.has(above));
    }),
    ({ name }) => name,
  );
}

/** True for the zone itself and what is below it. */
export function isIn(name: string | undefined, zone: string): name is string {
  return name === zone || name?.endsWith(`.${zone}`) === true;
}

/** Between a name and its zone, both left out; the nearest first. */
export function namesAbove(name: string, zone: string): string[] {
  const labels = name === zone ? [] : name.slice(0, -zone.length - 1).split('.');
  return labels.slice(1).map((_, at) => `${labels.slice(at + 1).join('.')}.${zone}`);
}
