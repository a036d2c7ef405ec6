// Nodes as a table for people: one row each in 80 columns, and below it what somebody should look at. Pure.
import { printable } from './problem-text.ts';

/** Of `GET /api/v1/edges` and `/origins`, as far as the table shows it; nothing in it is trusted. */
export interface NodeRow {
  name: string;
  /** In git. */
  state: string;
  /** By the node itself. */
  reported?: string;
  fingerprint?: string;
  lastSeen?: string;
  refusedAnnouncement?: string;
  refusedAt?: string;
}

const COLUMNS = 80;
const INDENT = '  ';
/** `abcd abcd …`: eight groups are 128 bits, four are the least that nobody makes by trying. */
const GROUPS_MAX = 8;
const GROUPS_MIN = 4;
const GROUP_COLUMNS = 5;
const HEADS = ['NAME', 'STATE', 'FINGERPRINT', 'SEEN'] as const;

/** `kind` stands in the line for none of them. */
export function nodeTable(rows: readonly NodeRow[], kind: string, nowMs: number): string {
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
    return [line([name!, state!, fingerprint, seen!]), ...refusal(row, nowMs)];
  });
  return `${[line(HEADS), ...lines].join('\n')}\n`;
}

/** Git has the last word on a node that is not simply active. */
function stateOf({ state, reported }: NodeRow): string {
  return shown(state === 'active' ? (reported ?? 'silent') : state);
}

function refusal({ refusedAnnouncement, refusedAt }: NodeRow, nowMs: number): string[] {
  if (refusedAnnouncement === undefined) return [];
  const words = `refused ${ageOf(refusedAt, nowMs)} ago: ${shown(refusedAnnouncement)}`.split(' ');
  const lines = [''];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= COLUMNS - INDENT.length || lines.at(-1) === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((text) => `${INDENT}${text}`);
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
