// What people have to do in a zone that they write: the records that are missing, as a zone file has them. Law: what is to go stands there as a
// comment, so that pasting all of it harms nobody; and records of ownership, which such a zone has none of, are not asked for.
import type { NameChange, RecordSet, ZoneChange, ZoneRecords } from '../../ports/dns-zone.ts';
import { isOwnerRecord } from './owner-text.ts';
import { piecesOf } from './printed-record.ts';
import { sameSets, typesOf } from './record-set.ts';

const COLUMNS = 80;
const GAP = '  ';
const COMMENT = '; ';

/** The last one is as long as it is. */
type Row = readonly string[];

/** Where the public sees something else than is wanted. How long it lives does not count: nobody tells. Undefined: it may stay as it is. */
export function missingByHand(
  wanted: ReadonlyMap<string, readonly RecordSet[] | undefined>,
  found: ZoneRecords,
): ZoneChange[] {
  return [...wanted].flatMap(([name, after]): ZoneChange[] => {
    if (after === undefined) return [];
    const types = typesOf({ name, before: [], after });
    const before = (found.get(name)?.sets ?? []).filter(({ type }) => types.includes(type));
    return sameSets(before, after, { withTtl: false }) ? [] : [[{ name, before, after }]];
  });
}

/** The lines of a zone file, with what is to go in comments before what is to stand. Empty: nothing is to be done. */
export function linesByHand(changes: readonly ZoneChange[], zone: string): string[] {
  const steps = changes.flat().filter(({ name }) => !isOwnerRecord(name, zone));
  const gone = aligned(steps.flatMap(goneRows), COLUMNS - COMMENT.length).map((line) => COMMENT + line);
  const set = aligned(steps.flatMap(setRows), COLUMNS);
  return [
    ...(gone.length > 0 ? ['; delete', ...gone] : []),
    ...(gone.length > 0 && set.length > 0 ? [''] : []),
    ...(set.length > 0 ? ['; set', ...set] : []),
  ];
}

function setRows({ name, before, after }: NameChange): Row[] {
  return after
    .filter((set) => !before.some((there) => sameSets([there], [set], { withTtl: true })))
    .flatMap(({ type, ttl, values }) =>
      values.map((value): Row => [`${name}.`, String(ttl), type, shown(type, value)]),
    );
}

function goneRows({ name, before, after }: NameChange): Row[] {
  const stays = new Set(after.flatMap(({ type, values }) => values.map((value) => `${type} ${value}`)));
  return before.flatMap(({ type, values }) =>
    values
      .filter((value) => !stays.has(`${type} ${value}`))
      .map((value): Row => [`${name}.`, type, shown(type, value)]),
  );
}

function shown(type: string, value: string): string {
  if (type === 'TXT')
    return piecesOf(value)
      .map((piece) => `"${piece}"`)
      .join(' ');
  return type === 'CNAME' ? `${value}.` : value;
}

/** In columns, as far as the lines that can be short enough stay so. */
function aligned(rows: readonly Row[], columns: number): string[] {
  let cells = rows.map((row) => [...row]);
  for (let column = (rows[0]?.length ?? 0) - 2; column >= 0; column -= 1) {
    const room = cells
      .filter((row) => row.join(GAP).length <= columns)
      .map((row) => columns - row.join(GAP).length + row[column]!.length);
    const width = Math.min(Math.max(...cells.map((row) => row[column]!.length)), ...room);
    cells = cells.map((row) => row.map((cell, at) => (at === column ? cell.padEnd(width) : cell)));
  }
  return cells.map((row) => row.join(GAP));
}
