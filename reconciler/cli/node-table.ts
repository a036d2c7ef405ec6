// Nodes as a table for people: one row each in 80 columns, and below it what somebody should look at. Pure.
import { ESCROW_NAME } from '../../bundle/api.ts';
import { backendNotes } from './host-tables.ts';
import { printable, wrap } from './problem-text.ts';

/** Of `GET /api/v1/edges` and `/origins`, as far as the table shows it; nothing in it is trusted. */
export interface NodeRow {
  name: string;
  /** In git. */
  state: string;
  /** By an operator on the reconciler's machine. */
  restriction?: { state: string };
  generation?: number;
  /** Of the token under which the machine is bound. */
  boundGeneration?: number;
  /** By the node itself. */
  reported?: string;
  fingerprint?: string;
  /** The newest root that it trusts. */
  rootVersion?: number;
  lastSeen?: string;
  refusedAnnouncement?: string;
  refusedAt?: string;
  /** An edge that was not heard for so long that others order its certificates. */
  silent?: boolean;
  /** Recipients of the pool's keys that nobody approved on this edge. */
  unacknowledged?: readonly { name?: unknown }[];
  certificates?: readonly { exposed?: unknown }[];
  /** Of edges: whether others see it answer. */
  health?: { state?: unknown; votes?: readonly { by?: unknown; up?: unknown; since?: unknown; reason?: unknown }[] };
  /** Of edges of a pool whose name is ours to write. */
  dns?: { in?: unknown; since?: unknown; reason?: unknown };
  /** Of origins: services that do not answer edges. */
  backends?: unknown;
}

const COLUMNS = 80;
const STRANGERS_MAX = 5;
const INDENT = '  ';
/** `abcd abcd …`: eight groups are 128 bits, four are the least that nobody makes by trying. */
const GROUPS_MAX = 8;
const GROUPS_MIN = 4;
const GROUP_COLUMNS = 5;
const HEADS = ['NAME', 'STATE', 'FINGERPRINT', 'SEEN'] as const;

/** `kind` stands in the line for none of them. `rootVersion`: of what is published. */
export function nodeTable(rows: readonly NodeRow[], kind: string, nowMs: number, rootVersion?: number): string {
  if (rows.length === 0) return `no ${kind}\n`;
  const cells = rows.map((row) => [shown(row.name), stateOf(row), '', ageOf(row.lastSeen, nowMs)]);
  const widths = HEADS.map((head, at) => Math.max(head.length, ...cells.map((row) => row[at]!.length)));
  const others = widths[0]! + widths[1]! + widths[3]! + 3 * INDENT.length;
  const groups = Math.min(GROUPS_MAX, Math.max(GROUPS_MIN, Math.floor((COLUMNS - others + 1) / GROUP_COLUMNS)));
  widths[2] = groups * GROUP_COLUMNS - 1;
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join(INDENT)
      .trimEnd();
  const lines = rows.flatMap((row, index) => {
    const [name, state, , seen] = cells[index]!;
    const fingerprint = row.fingerprint === undefined ? 'not announced' : beginning(row.fingerprint, groups);
    const notes = [
      ...seenDown(row),
      ...dnsStanding(row),
      ...silence(row),
      ...strangers(row),
      ...exposure(row),
      ...refusal(row, nowMs),
      ...backendNotes(row.backends),
    ];
    return [line([name!, state!, fingerprint, seen!]), ...notes.flatMap((note) => wrap(note, INDENT, INDENT))];
  });
  return `${[line(HEADS), ...lines, ...rootLines(rows, rootVersion)].join('\n')}\n`;
}

/** From the mildest on; what somebody took from a node stands before what it said of itself last. */
const TAKEN = ['active', 'draining', 'suspended', 'revoked', 'compromised'];

function stateOf({ state, restriction, generation, boundGeneration, reported }: NodeRow): string {
  const here = restriction?.state ?? 'active';
  const taken = TAKEN.indexOf(here) > TAKEN.indexOf(state) ? here : state;
  const isOld = boundGeneration !== undefined && boundGeneration < Number(generation);
  const standing = taken === 'active' && isOld ? 'old token' : taken;
  if (standing === 'active') return shown(reported ?? 'silent');
  return shown(reported === undefined ? standing : `${standing} (${reported})`);
}

/** After a rotation of the keys: who follows it. Nothing while there was none. */
function rootLines(rows: readonly NodeRow[], rootVersion: number | undefined): string[] {
  if (rootVersion === undefined || rootVersion < 2) return [];
  // An agent that is too old to say it counts as behind.
  const behind = rows.filter((row) => row.reported !== undefined && !(Number(row.rootVersion) >= rootVersion));
  const words = behind.map((row) => `${row.name} (${row.rootVersion ?? 'not said'})`).join(', ');
  const said =
    behind.length === 0
      ? `root version ${shown(rootVersion)}`
      : `root version ${shown(rootVersion)}, not yet followed by ${words}`;
  return ['', ...wrap(said, '')];
}

/** Only what is amiss: an edge that everybody sees up has no line. */
function seenDown({ health }: NodeRow): string[] {
  const votes = Array.isArray(health?.votes) ? health.votes : [];
  const against = votes.filter((vote) => vote?.up === false);
  if (against.length === 0) return [];
  const shownVotes = against
    .slice(0, STRANGERS_MAX)
    .map(({ by, since, reason }) => `${by} (${reason ?? 'no reason'}, since ${since})`);
  const more = against.length > STRANGERS_MAX ? ` and ${against.length - STRANGERS_MAX} more` : '';
  return [`health ${shown(health?.state)}: seen down by ${shown(shownVotes.join(', '))}${more}`];
}

function dnsStanding({ dns }: NodeRow): string[] {
  if (dns === undefined || (dns.in === true && dns.reason === undefined)) return [];
  const words = dns.in === true ? 'stays in DNS although it should leave' : 'not in DNS';
  return [`${words} since ${shown(dns.since)}: ${shown(dns.reason ?? 'no reason')}`];
}

function silence({ silent }: NodeRow): string[] {
  return silent === true ? ['silent: the other edges of its pool order its certificates'] : [];
}

function strangers({ unacknowledged = [] }: NodeRow): string[] {
  if (!Array.isArray(unacknowledged) || unacknowledged.length === 0) return [];
  const names = unacknowledged
    .slice(0, STRANGERS_MAX)
    .map((one) => (one?.name === ESCROW_NAME ? 'the escrow key' : shown(one?.name)));
  const more = unacknowledged.length > STRANGERS_MAX ? ` and ${unacknowledged.length - STRANGERS_MAX} more` : '';
  return [`nobody approved here who gets the keys of its pool: ${names.join(', ')}${more}`];
}

function exposure({ certificates = [] }: NodeRow): string[] {
  const count = Array.isArray(certificates) ? certificates.filter((one) => one?.exposed !== undefined).length : 0;
  if (count === 0) return [];
  return [`to be ordered anew, because a compromised edge had the key: ${count} of its certificates`];
}

function refusal({ refusedAnnouncement, refusedAt }: NodeRow, nowMs: number): string[] {
  if (refusedAnnouncement === undefined) return [];
  return [`refused ${ageOf(refusedAt, nowMs)} ago: ${shown(refusedAnnouncement)}`];
}

function beginning(fingerprint: string, groups: number): string {
  return shown(fingerprint).slice(0, groups * GROUP_COLUMNS - 1);
}

function shown(text: unknown): string {
  return printable(String(text));
}

/** `5 s`, `3 min`, `2 h`, `4 d`; never: `never`. */
function ageOf(iso: string | undefined, nowMs: number): string {
  const at = Date.parse(iso ?? '');
  if (Number.isNaN(at)) return 'never';
  const seconds = Math.max(0, Math.round((nowMs - at) / 1000));
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const;
  for (const [unit, length] of units) if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit}`;
  return `${seconds} s`;
}
