// The headers that every backend and login service gets from the edge, whoever asks. Law: one list, always whole, because one
// `proxy_set_header` in a block drops all that the block would have inherited.

export interface HeaderLine {
  name: string;
  /** As nginx reads it inside double quotes. Empty: the header does not pass. */
  value: string;
}

/** RFC 7239 and its forerunners: who asked, as the edge saw it. */
const CLIENT: readonly HeaderLine[] = [
  { name: 'Host', value: '$host' },
  { name: 'Upgrade', value: '$kokoa_upgrade' },
  { name: 'Connection', value: '$kokoa_connection' },
  { name: 'Forwarded', value: 'for=$kokoa_forwarded_for;host=$host;proto=https' },
  { name: 'X-Forwarded-For', value: '$remote_addr' },
  { name: 'X-Forwarded-Host', value: '$host' },
  { name: 'X-Forwarded-Port', value: '$kokoa_public_port' },
  { name: 'X-Forwarded-Proto', value: 'https' },
  { name: 'X-Real-IP', value: '$remote_addr' },
];

/** What other proxies call the same things, and hop-by-hop headers (RFC 9110 §7.6.1). */
const NEVER = [
  'CF-Connecting-IP',
  'Fastly-Client-IP',
  'Forwarded-For',
  'HTTP2-Settings',
  'Proxy',
  'Proxy-Connection',
  'True-Client-IP',
  'X-Client-IP',
  'X-Cluster-Client-IP',
  'X-Forwarded',
  'X-Forwarded-By',
  'X-Forwarded-Method',
  'X-Forwarded-Scheme',
  'X-Forwarded-Server',
  'X-Forwarded-Ssl',
  'X-Forwarded-Uri',
  'X-Original-Forwarded-For',
  'X-Original-Host',
  'X-Original-Method',
  'X-Original-URL',
  'X-Rewrite-URL',
] as const;

const PREFIX = 'X-Forwarded-Prefix';

/** For routes without tables of their own. */
export const PLAIN_HEADERS: readonly HeaderLine[] = whole([{ name: PREFIX, value: '' }]);
/** For routes whose path may have lost a prefix. */
export const GATED_HEADERS: readonly HeaderLine[] = whole([{ name: PREFIX, value: '$kokoa_forwarded_prefix' }]);
/** For the question to a login service: no body, no upgrade, and what the visitor asked for. */
export const LOGIN_HEADERS: readonly HeaderLine[] = replaced(PLAIN_HEADERS, [
  { name: 'Upgrade', value: '' },
  { name: 'Connection', value: '' },
  { name: 'Content-Length', value: '' },
  { name: 'X-Forwarded-Method', value: '$request_method' },
  { name: 'X-Forwarded-Uri', value: '$request_uri' },
  { name: 'X-Original-Method', value: '$request_method' },
  { name: 'X-Original-URL', value: 'https://$host$request_uri' },
]);
/** For the login service's own page, shown in place of a 401. */
export const SIGN_IN_HEADERS: readonly HeaderLine[] = replaced(LOGIN_HEADERS, [
  { name: 'X-Auth-Request-Redirect', value: '$request_uri' },
]);

const OUR_VALUES: ReadonlySet<string> = new Set(
  [PLAIN_HEADERS, GATED_HEADERS, LOGIN_HEADERS, SIGN_IN_HEADERS].flatMap((lines) => lines.map(({ value }) => value)),
);

/** True for a value that this file made, or the variable of an identity header: the only ones that may hold a variable. */
export function isEdgeHeaderValue(value: string): boolean {
  return OUR_VALUES.has(value) || /^\$kokoa_identity_[0-9]{1,2}$/.test(value);
}

/** gRPC has no upgrade, and its connections are not the visitor's. */
export function forGrpc(lines: readonly HeaderLine[]): HeaderLine[] {
  return lines.filter(({ name }) => name !== 'Upgrade' && name !== 'Connection');
}

/** `lines` with those of `changes` in place of lines of the same name, whatever their case; new ones at the end. */
export function replaced(lines: readonly HeaderLine[], changes: readonly HeaderLine[]): HeaderLine[] {
  const names = new Set(changes.map(({ name }) => name.toLowerCase()));
  return [...lines.filter(({ name }) => !names.has(name.toLowerCase())), ...changes];
}

function whole(more: readonly HeaderLine[]): HeaderLine[] {
  return [...CLIENT, ...more, ...NEVER.map((name) => ({ name, value: '' }))];
}
