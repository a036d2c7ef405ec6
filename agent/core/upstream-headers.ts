// The headers that every backend and login service gets from the edge, whoever asks. Law: one list, always whole, because one
// `proxy_set_header` in a block drops all that the block would have inherited.

export interface HeaderLine {
  name: string;
  /** As nginx reads it inside double quotes. Empty: the header does not pass. */
  value: string;
}

/** RFC 7239 and its forerunners: who asked, as the edge saw it. The port that visitors use is a number, so it comes with each list. */
const CLIENT: readonly HeaderLine[] = [
  { name: 'Host', value: '$host' },
  { name: 'Upgrade', value: '$kokoa_upgrade' },
  { name: 'Connection', value: '$kokoa_connection' },
  { name: 'Forwarded', value: 'for=$kokoa_forwarded_for;host=$host;proto=https' },
  { name: 'X-Forwarded-For', value: '$remote_addr' },
  { name: 'X-Forwarded-Host', value: '$host' },
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

/** The prefix that a path has lost, if any. */
const STRIPPED: HeaderLine = { name: 'X-Forwarded-Prefix', value: '$kokoa_forwarded_prefix' };
/** No body, no upgrade, and what the visitor asked for. */
const QUESTION: readonly HeaderLine[] = [
  { name: 'Upgrade', value: '' },
  { name: 'Connection', value: '' },
  { name: 'Content-Length', value: '' },
  { name: 'X-Forwarded-Method', value: '$request_method' },
  { name: 'X-Forwarded-Uri', value: '$request_uri' },
  { name: 'X-Original-Method', value: '$request_method' },
  { name: 'X-Original-URL', value: 'https://$host$request_uri' },
];
const SIGN_IN: HeaderLine = { name: 'X-Auth-Request-Redirect', value: '$request_uri' };

/** For routes without a path that loses its prefix. `publicPort`: where visitors' TLS arrives. */
export function plainHeaders(publicPort: number): HeaderLine[] {
  return [
    ...CLIENT,
    { name: 'X-Forwarded-Port', value: String(publicPort) },
    ...[STRIPPED.name, ...NEVER].map((name) => ({ name, value: '' })),
  ];
}

/** For routes whose path may have lost a prefix. */
export function strippedHeaders(publicPort: number): HeaderLine[] {
  return replaced(plainHeaders(publicPort), [STRIPPED]);
}

/** For the question to a login service. */
export function loginHeaders(publicPort: number): HeaderLine[] {
  return replaced(plainHeaders(publicPort), QUESTION);
}

/** For the login service's own page, shown in place of a 401. */
export function signInHeaders(publicPort: number): HeaderLine[] {
  return replaced(loginHeaders(publicPort), [SIGN_IN]);
}

const OUR_VALUES: ReadonlySet<string> = new Set([...CLIENT, STRIPPED, ...QUESTION, SIGN_IN].map(({ value }) => value));

/** True for a value that this file made, or the variable of an identity header: the only ones that may hold a variable. */
export function isEdgeHeaderValue(value: string): boolean {
  return OUR_VALUES.has(value) || /^(?:\$kokoa_identity_[0-9]{1,2}|[1-9][0-9]{0,4})$/.test(value);
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
