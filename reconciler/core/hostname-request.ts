// What an issue made by the form "Add a hostname" asks for. Law: the body is hostile text of anybody; a value is one line of a known form
// or it is a problem, and what is quoted of it is cut and shows no secret.
import { canonicalHostname } from './hostname.ts';
import { shown } from './shown.ts';

export interface HostnameRequest {
  /** Canonical. */
  hostname: string;
  origin: string;
  port: number;
  team?: string;
  /** Any text, at most REMARKS_CHARS_MAX; empty: none. */
  remarks: string;
}

export interface RequestProblem {
  /** The heading, as the form has it. */
  field: string;
  /** One line, lower case, found against expected. */
  message: string;
}

export type RequestReading =
  /** Another kind of issue. */
  { kind: 'none' } | { kind: 'request'; request: HostnameRequest } | { kind: 'refused'; problems: RequestProblem[] };

/** GitHub takes no longer body. */
const BODY_CHARS_MAX = 65_536;
const REMARKS_CHARS_MAX = 2000;
const HEADING = /^### (Hostname|Origin|Port|Team|Remarks)[ \t]*$/gm;
/** What GitHub writes where a field was left empty. */
const EMPTY = '_No response_';
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PORT = /^[1-9][0-9]{0,4}$/;

type Field = 'Hostname' | 'Origin' | 'Port' | 'Team' | 'Remarks';

/** All problems at once. Never throws. */
export function parseHostnameRequest(body: string): RequestReading {
  const sections = sectionsOf(body.slice(0, BODY_CHARS_MAX).replaceAll('\r\n', '\n'));
  if (!sections.has('Hostname')) return { kind: 'none' };
  const problems: RequestProblem[] = [];
  const refuse = (field: Field, message: string) => void problems.push({ field, message });
  if (body.length > BODY_CHARS_MAX)
    refuse('Remarks', `found ${body.length} characters, expected at most ${BODY_CHARS_MAX}`);

  const line = (field: Field): string | undefined => {
    const values = sections.get(field) ?? [];
    if (values.length > 1) refuse(field, 'found twice, expected once');
    const [value = ''] = values;
    if (value.includes('\n')) refuse(field, 'found several lines, expected one');
    return values.length > 1 || value.includes('\n') ? undefined : value;
  };
  const matching = (field: Field, form: RegExp, expected: string): string | undefined => {
    const value = line(field);
    if (value === undefined || form.test(value)) return value;
    refuse(field, `found ${shown(value)}, expected ${expected}`);
    return undefined;
  };

  const hostname = hostnameOf(line('Hostname'), refuse);
  const origin = matching('Origin', NAME, 'the name of a machine: lower-case letters, digits and dashes');
  const port = matching('Port', PORT, 'a number from 1 to 65535');
  const team = sections.get('Team')?.join('') === '' ? undefined : teamOf(sections, matching);
  if (port !== undefined && Number(port) > 65_535)
    refuse('Port', `found ${shown(port)}, expected a number from 1 to 65535`);
  if (problems.length > 0) return { kind: 'refused', problems };
  const remarks = (sections.get('Remarks') ?? []).join('\n').slice(0, REMARKS_CHARS_MAX);
  const request = { hostname: hostname!, origin: origin!, port: Number(port), remarks };
  return { kind: 'request', request: { ...request, ...(team !== undefined && { team }) } };
}

function hostnameOf(typed: string | undefined, refuse: (field: Field, message: string) => void): string | undefined {
  if (typed === undefined) return undefined;
  const result = canonicalHostname(typed);
  if (result.kind === 'hostname') return result.hostname;
  refuse('Hostname', `found ${shown(typed)}, expected ${result.expected}`);
  return undefined;
}

function teamOf(
  sections: ReadonlyMap<Field, string[]>,
  matching: (field: Field, form: RegExp, expected: string) => string | undefined,
): string | undefined {
  return sections.has('Team') ? matching('Team', NAME, 'the name of a team, or nothing') : undefined;
}

/** The texts below each heading. Remarks are the rest: what looks like a heading in them is none. */
function sectionsOf(body: string): Map<Field, string[]> {
  const sections = new Map<Field, string[]>();
  const headings = [...body.matchAll(HEADING)];
  for (const [index, heading] of headings.entries()) {
    const field = heading[1] as Field;
    const end = field === 'Remarks' ? body.length : (headings[index + 1]?.index ?? body.length);
    const text = body.slice(heading.index + heading[0].length, end).trim();
    sections.set(field, [...(sections.get(field) ?? []), text === EMPTY ? '' : text]);
    if (field === 'Remarks') break;
  }
  return sections;
}
