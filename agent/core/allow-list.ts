// The TCP ports an origin's owner lets edges reach: what is opened is never more than this. Law: default none, and one list has
// exactly one written form.
import { KokoaError } from '../../bundle/error.ts';

/** Both ends belong to it; 1 to 65535. */
export interface PortRange {
  from: number;
  to: number;
}

const PORT_MAX = 65_535;
const RANGES_MAX = 256;
const TEXT_MAX = 4096;
const NONE = 'none';

/**
 * Reads `8080,9000-9010`; `none` and an empty text allow nothing; spaces around a comma are ignored. Answers ascending ranges that neither overlap nor touch.
 * @throws KokoaError bad_allow_list
 */
export function parseAllowList(text: string): PortRange[] {
  if (text.length > TEXT_MAX) throw bad(`${text.length} characters, at most ${TEXT_MAX}`);
  if (text.trim() === NONE || text.trim() === '') return [];
  const items = text.split(',').map((item) => item.trim());
  if (items.length > RANGES_MAX) throw bad(`${items.length} ranges, at most ${RANGES_MAX}`);
  return merge(items.map(parseRange));
}

/** The canonical form: `none`, or ascending `port` and `from-to` joined by commas. */
export function formatAllowList(ranges: readonly PortRange[]): string {
  return ranges.length === 0 ? NONE : allowListEntries(ranges).join(',');
}

/** One text per range, as a node announces them (`Enrolment.allow`). */
export function allowListEntries(ranges: readonly PortRange[]): string[] {
  return merge(ranges).map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
}

/** The ports that are in both, ascending, each once. */
export function allowedPorts(ports: readonly number[], ranges: readonly PortRange[]): number[] {
  const allowed = ports.filter((port) => ranges.some(({ from, to }) => from <= port && port <= to));
  return [...new Set(allowed)].sort((a, b) => a - b);
}

function parseRange(text: string): PortRange {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  if (!match) throw bad(`"${text.slice(0, 20)}" is neither a port nor a range`);
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  if (from < 1 || to > PORT_MAX || from > to) throw bad(`"${text}" is not within 1-${PORT_MAX}, smaller port first`);
  return { from, to };
}

function merge(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

function bad(message: string): KokoaError {
  return new KokoaError('bad_allow_list', `the list of allowed ports is wrong: ${message}`, {
    hint: 'write ports and ranges like 8080,9000-9010, or none',
  });
}
