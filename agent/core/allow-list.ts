// What an origin's owner lets edges reach: ports of the machine, and services behind it or on its loopback. What is opened is never
// more than this. Law: default none, and one list has exactly one written form.
import type { Forward } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { compareHosts, isForwardHost } from './forward-host.ts';

/** TCP ports of one host; both ends belong to it; 1 to 65535. */
export interface AllowedRange {
  /** Private IPv4 address or 127.0.0.1. Absent: the machine itself, at its address in the tunnel. */
  host?: string;
  from: number;
  to: number;
}

const PORT_MAX = 65_535;
const RANGES_MAX = 256;
const TEXT_MAX = 4096;
const NONE = 'none';

/**
 * Reads `8080,9000-9010,192.168.1.20:8080,127.0.0.1:3000`; `none` and an empty text allow nothing; spaces around a comma are ignored.
 * Answers ascending ranges, the machine's own first, of which no two of one host overlap or touch.
 * @throws KokoaError bad_allow_list
 */
export function parseAllowList(text: string): AllowedRange[] {
  if (text.length > TEXT_MAX) throw bad(`${text.length} characters, at most ${TEXT_MAX}`);
  if (text.trim() === NONE || text.trim() === '') return [];
  const items = text.split(',').map((item) => item.trim());
  if (items.length > RANGES_MAX) throw bad(`${items.length} ranges, at most ${RANGES_MAX}`);
  return merge(items.map(parseRange));
}

/** The canonical form: `none`, or ascending entries joined by commas. */
export function formatAllowList(ranges: readonly AllowedRange[]): string {
  return ranges.length === 0 ? NONE : allowListEntries(ranges).join(',');
}

/** One text per range, as a node announces them (`Enrolment.allow`). */
export function allowListEntries(ranges: readonly AllowedRange[]): string[] {
  return merge(ranges).map(
    ({ host, from, to }) => `${host === undefined ? '' : `${host}:`}${from === to ? from : `${from}-${to}`}`,
  );
}

/** The machine's own ports that are in both, ascending, each once. */
export function allowedPorts(ports: readonly number[], ranges: readonly AllowedRange[]): number[] {
  const allowed = ports.filter((port) => ranges.some((range) => range.host === undefined && holds(range, port)));
  return [...new Set(allowed)].sort((a, b) => a - b);
}

/** The forwards whose host and port an entry names, ascending by `port`. What the machine's own ports may says nothing about them. */
export function allowedForwards(forwards: readonly Forward[], ranges: readonly AllowedRange[]): Forward[] {
  return forwards
    .filter(({ host, hostPort }) => ranges.some((range) => range.host === host && holds(range, hostPort)))
    .sort((a, b) => a.port - b.port);
}

function holds({ from, to }: AllowedRange, port: number): boolean {
  return from <= port && port <= to;
}

function parseRange(text: string): AllowedRange {
  const match = /^(?:([^:]*):)?([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  if (!match) throw bad(`"${text.slice(0, 40)}" is neither a port nor a range, nor ADDRESS:PORT`);
  const [, host, first, last = first] = match;
  if (host !== undefined && !isForwardHost(host)) {
    throw bad(`"${host.slice(0, 40)}" is neither the IPv4 address of a private network nor 127.0.0.1`);
  }
  const [from, to] = [Number(first), Number(last)];
  if (from < 1 || to > PORT_MAX || from > to) throw bad(`"${text}" is not within 1-${PORT_MAX}, smaller port first`);
  return { ...(host !== undefined && { host }), from, to };
}

function merge(ranges: readonly AllowedRange[]): AllowedRange[] {
  const merged: AllowedRange[] = [];
  for (const range of [...ranges].sort(compare)) {
    const last = merged.at(-1);
    if (last && last.host === range.host && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

function compare(a: AllowedRange, b: AllowedRange): number {
  if (a.host === b.host) return a.from - b.from;
  if (a.host === undefined || b.host === undefined) return a.host === undefined ? -1 : 1;
  return compareHosts(a.host, b.host);
}

function bad(message: string): KokoaError {
  return new KokoaError('bad_allow_list', `the list of what edges may reach is wrong: ${message}`, {
    hint: 'write ports like 8080,9000-9010, services behind this machine like 192.168.1.20:8080 or 127.0.0.1:3000, or none',
  });
}
