// One canonical form of a hostname, so that names are compared as text everywhere: lower case, A-labels (RFC 5891), no trailing dot.
// What passes here is a name that DNS can hold (RFC 1123), a public CA can certify, and nobody else owns.
import { domainToASCII, domainToUnicode } from 'node:url';
import { parse } from 'tldts';
import type { Position, Problem } from './problem.ts';
import { type RuleId, rules } from './rules.ts';
import { shown } from './shown.ts';

/** RFC 1035, 2.3.4, in the textual form without the trailing dot. */
const HOSTNAME_CHARS_MAX = 253;
const LABEL_CHARS_MAX = 63;

const WILDCARD = '*.';
/** Letters, digits, inner dashes. RFC 5890 reserves dashes in places 3 and 4 for A-labels, and CAs refuse others. */
const LABEL = /^(?!..--)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

export type HostnameResult =
  | { kind: 'hostname'; hostname: string }
  | { kind: 'refused'; rule: RuleId; expected: string };

/**
 * The canonical form of a hostname as people type it; a leading `*.` is kept. Refused: fewer than two labels, IP addresses,
 * public suffixes and wildcards of one. Private suffixes of the Public Suffix List (github.io, duckdns.org) count too, because
 * names below them belong to different people and CAs limit orders by them.
 */
export function canonicalHostname(typed: string): HostnameResult {
  const wildcard = typed.startsWith(WILDCARD);
  const base = wildcard ? typed.slice(WILDCARD.length) : typed;
  if (base.includes('*')) return refused('KK204', "a wildcard only as '*.' in front of a full name");
  if (base.includes('://') || /[/:?#@\s]/.test(base))
    return refused('KK201', 'a bare name without scheme, port, path or space');
  const name = toALabels(base.endsWith('.') ? base.slice(0, -1) : base);
  if (name === undefined) return refused('KK201', 'letters, digits and dashes, in parts separated by dots');
  if (name.length + (wildcard ? WILDCARD.length : 0) > HOSTNAME_CHARS_MAX)
    return refused('KK201', `at most ${HOSTNAME_CHARS_MAX} characters, counted as DNS stores them`);
  const labels = name.split('.');
  const long = labels.some((label) => label.length > LABEL_CHARS_MAX);
  if (long) return refused('KK201', `at most ${LABEL_CHARS_MAX} characters between two dots`);
  if (!labels.every(isLabel))
    return refused('KK201', 'parts of letters, digits and inner dashes, separated by single dots');
  // WHATWG URL, "ends in a number": such a name is read as an IPv4 address.
  if (/^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1)!)) return refused('KK202', 'a name, not an address');
  const { publicSuffix, isIcann } = parse(name, { allowPrivateDomains: true, validateHostname: false });
  if (publicSuffix === name && (labels.length > 1 || isIcann))
    return refused('KK203', wildcard ? 'a wildcard of a registered domain' : 'a name below a public suffix');
  if (labels.length < 2) return refused('KK201', 'a name of two parts or more, such as app.hoge.com');
  return { kind: 'hostname', hostname: wildcard ? WILDCARD + name : name };
}

/** True when a grant allows a host, both canonical. `*.z` allows every name below z at any depth and every wildcard there, not z itself. */
export function covers(grant: string, host: string): boolean {
  return grant.startsWith(WILDCARD) ? host.endsWith(grant.slice(1)) : host === grant;
}

/** True when one of the grants covers the host: the same answer as asking `covers` of each, in time that does not grow with them. */
export function coveredByAny(grants: ReadonlySet<string>, host: string): boolean {
  if (grants.has(host)) return true;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1))
    if (grants.has(`*${host.slice(dot)}`)) return true;
  return false;
}

/** UTS #46 by the platform's URL parser, which is only trusted with names that hold no ASCII but LDH. */
function toALabels(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (/^[a-z0-9.-]*$/.test(lower)) return lower;
  for (const character of lower) if (character < '\u0080' && !/[a-z0-9.-]/.test(character)) return undefined;
  const ascii = domainToASCII(lower);
  return /^[a-z0-9.-]+$/.test(ascii) ? ascii : undefined;
}

function isLabel(label: string): boolean {
  if (!label.startsWith('xn--')) return LABEL.test(label);
  // An A-label is one that decodes and encodes to itself (RFC 5891, 5.4).
  const unicode = domainToUnicode(label);
  return unicode !== label && unicode !== '' && domainToASCII(unicode) === label;
}

function refused(rule: RuleId, expected: string): HostnameResult {
  return { kind: 'refused', rule, expected };
}

/** The problem of a text that is no usable hostname, wherever it stands; undefined: it is one. */
export function hostnameProblem(file: string, at: () => Position, field: string, typed: string): Problem | undefined {
  const result = canonicalHostname(typed);
  if (result.kind === 'hostname') return undefined;
  const meant = nearestHostname(typed);
  const hint = meant === undefined ? rules[result.rule].fix : `did you mean ${meant}?`;
  const message = `${field}: found ${shown(typed)}, expected ${result.expected}`;
  return { file, ...at(), rule: result.rule, severity: 'error', message, hint };
}

/** The name inside a pasted URL, and dashes for underscores: the two slips people make most. */
function nearestHostname(typed: string): string | undefined {
  const bare = typed
    .replace(/^[a-z+]+:\/\//i, '')
    .replace(/[:/?#].*$/s, '')
    .replaceAll('_', '-');
  if (bare === typed) return undefined;
  const result = canonicalHostname(bare);
  return result.kind === 'hostname' ? result.hostname : undefined;
}
