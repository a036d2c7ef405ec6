// Records as dig and zone files print them, one on a line (RFC 1035, 5.1). Law: a line that is not wholly understood is no record, and what is
// printed for a program holds no character that could end its line.
import type { NameRecords } from '../../ports/dns-zone.ts';
import { canonicalRecordName, nameRecords } from './record-set.ts';

export interface PrintedRecord {
  /** Canonical. Undefined: a name that nobody reads or writes. */
  name: string | undefined;
  ttl: number;
  type: string;
  /** As printed. */
  data: string;
}

/** Absolute names alone. An escaped name has up to four characters for each byte. */
const LINE = /^(\S{0,1100}\.)\s+(\d{1,10})\s+IN\s+([A-Z][A-Z0-9-]{0,19})(?:\s+(\S.*))?$/;
const PIECE = /"((?:[^"\\]|\\[0-9]{3}|\\[^0-9])*)"(?:\s+|$)/y;
const PIECE_BYTES_MAX = 255;
/** What a server adds to a signed zone by itself: it stands even beside a CNAME (RFC 4035, 2.5). */
const SERVERS_OWN = ['RRSIG', 'NSEC', 'NSEC3'];

/** Undefined: no record. */
export function readRecord(line: string): PrintedRecord | undefined {
  const [, name, ttl, type, data = ''] = LINE.exec(line) ?? [];
  if (name === undefined || type === undefined) return undefined;
  return { name: canonicalRecordName(name), ttl: Number(ttl), type, data };
}

/** The texts of a TXT record, without quotes and escapes, a character for each byte. Undefined: none. */
export function textPieces(data: string): string[] | undefined {
  const pieces: string[] = [];
  for (PIECE.lastIndex = 0; PIECE.lastIndex < data.length; ) {
    const [, piece] = PIECE.exec(data) ?? [];
    if (piece === undefined) return undefined;
    pieces.push(
      piece.replace(/\\([0-9]{3}|.)/g, (_, one: string) => (one.length === 3 ? String.fromCharCode(Number(one)) : one)),
    );
  }
  return pieces.length === 0 ? undefined : pieces;
}

/** A canonical text, in the pieces that we send. */
export function piecesOf(text: string): string[] {
  return text.match(new RegExp(`.{1,${PIECE_BYTES_MAX}}`, 'g')) ?? [];
}

/** What stands at a name, out of its records. Undefined: nothing. */
export function readNameRecords(records: readonly PrintedRecord[]): NameRecords | undefined {
  return nameRecords(
    records
      .filter(({ type }) => !SERVERS_OWN.includes(type))
      .map(({ type, ttl, data }) => ({ type, ttl, value: readValue(type, data) })),
  );
}

/** Empty, which is no value of any type, for what cannot be read. */
function readValue(type: string, data: string): string {
  if (type === 'TXT') return textPieces(data)?.join('') ?? '';
  if (type === 'CNAME') return data.endsWith('.') ? data : '';
  return data;
}
