// What an origin's owner lets edges reach: ports of the machine, and services behind it or on its loopback. What is opened is never
// more than this. Law: default none, and one list has exactly one written form.
import type { Forward } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { compareHosts, isForwardHost } from './forward-host.ts';

/** Ports of one host; both ends belong to it; 1 to 65535. What it says of TCP it does not say of UDP, nor the other way round. */
export interface AllowedRange {
  /** Absent: TCP. */
  protocol?: 'udp';
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
 * Reads `8080,9000-9010,53/udp,192.168.1.20:8080,127.0.0.1:3000`; an entry is TCP unless it ends in `/udp`, and may end in `/tcp`;
 * `none` and an empty text allow nothing; spaces around a comma are ignored. Answers ascending ranges, the machine's own first, TCP of
 * a host before its UDP, of which no two of one host and protocol overlap or touch.
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
  return merge(ranges).map(({ protocol, host, from, to }) => {
    const ports = from === to ? `${from}` : `${from}-${to}`;
    return `${host === undefined ? '' : `${host}:`}${ports}${protocol === undefined ? '' : `/${protocol}`}`;
  });
}

/** The machine's own ports that are in both, ascending, each once. `protocol` absent: TCP. */
export function allowedPorts(
  ports: readonly number[],
  ranges: readonly AllowedRange[],
  protocol?: AllowedRange['protocol'],
): number[] {
  const allowed = ports.filter((port) => ranges.some((range) => holds(range, { protocol, port })));
  return [...new Set(allowed)].sort((a, b) => a - b);
}

/**
 * The forwards whose protocol, host and port an entry names, ascending by `port`, TCP before UDP. What the machine's own ports may says
 * nothing about them.
 */
export function allowedForwards(forwards: readonly Forward[], ranges: readonly AllowedRange[]): Forward[] {
  return forwards
    .filter(({ protocol, host, hostPort }) => ranges.some((range) => holds(range, { protocol, host, port: hostPort })))
    .sort((a, b) => a.port - b.port || compareProtocols(a, b));
}

function holds(
  range: AllowedRange,
  { protocol, host, port }: { protocol: AllowedRange['protocol']; host?: string; port: number },
): boolean {
  return range.protocol === protocol && range.host === host && range.from <= port && port <= range.to;
}

function parseRange(text: string): AllowedRange {
  const match = /^(?:([^:]*):)?([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp))?$/.exec(text);
  if (!match)
    throw bad(`"${text.slice(0, 40)}" is neither a port nor a range, nor ADDRESS:PORT, nor one of these with /udp`);
  const [, host, first, last = first, protocol] = match;
  if (host !== undefined && !isForwardHost(host)) {
    throw bad(`"${host.slice(0, 40)}" is neither the IPv4 address of a private network nor 127.0.0.1`);
  }
  const [from, to] = [Number(first), Number(last)];
  if (from < 1 || to > PORT_MAX || from > to) throw bad(`"${text}" is not within 1-${PORT_MAX}, smaller port first`);
  return { ...(protocol === 'udp' && { protocol }), ...(host !== undefined && { host }), from, to };
}

function merge(ranges: readonly AllowedRange[]): AllowedRange[] {
  const merged: AllowedRange[] = [];
  for (const range of [...ranges].sort(compare)) {
    const last = merged.at(-1);
    if (last && isOfSame(last, range) && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

function isOfSame(a: AllowedRange, b: AllowedRange): boolean {
  return a.host === b.host && a.protocol === b.protocol;
}

function compare(a: AllowedRange, b: AllowedRange): number {
  if (a.host === b.host) return compareProtocols(a, b) || a.from - b.from;
  if (a.host === undefined || b.host === undefined) return a.host === undefined ? -1 : 1;
  return compareHosts(a.host, b.host);
}

function compareProtocols(a: Pick<AllowedRange, 'protocol'>, b: Pick<AllowedRange, 'protocol'>): number {
  return Number(a.protocol === 'udp') - Number(b.protocol === 'udp');
}

function bad(message: string): KokoaError {
  return new KokoaError('bad_allow_list', `the list of what edges may reach is wrong: ${message}`, {
    hint:
      'write ports like 8080,9000-9010, services behind this machine like 192.168.1.20:8080 or 127.0.0.1:3000, ' +
      'for UDP with /udp behind like 53/udp, or none',
  });
}
