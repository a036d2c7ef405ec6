// Every text that a route can hold × values that try to become something else on the way to a web server, as YAML that a person could
// write. A new field of the schema is covered by itself.
import { schemas } from '../../schemas/by-kind.ts';
import type { Auth, Route } from '../../schemas/types.ts';

/** As much of JSON Schema as route.schema.json uses. */
export interface SchemaNode {
  $ref?: string;
  type?: string;
  pattern?: string;
  enum?: unknown[];
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  additionalProperties?: boolean | SchemaNode;
  definitions?: Record<string, SchemaNode>;
}

export interface HostileRoute {
  /** `paths[].prefix`; a free name of a block is `headers.request.set.KEY`. */
  field: string;
  value: string;
  style: Style;
  /** The route file with the value. */
  yaml: string;
  /** The same file with a harmless one. */
  harmless: string;
}

/** What YAML does not let through as it stands is tried in each style all the same. */
export const HOSTILE_VALUES: readonly string[] = [
  '',
  ' ',
  '"',
  "'",
  '";',
  "';",
  ';',
  '{',
  '}',
  '};',
  '$',
  '$host',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what is written in YAML
  '${x}',
  'a$host',
  'a;b',
  'a b',
  ' leading',
  'trailing ',
  '\n',
  'a\nb',
  'a\n}\nserver { listen 81; }',
  '\r',
  'a\rb',
  'a\r\nX-Evil: 1',
  '\0',
  'a\0b',
  '\t',
  'a\tb',
  '\\',
  'a\\b',
  'a\\',
  '\\x3b',
  '#',
  'a #b',
  '#a',
  '{{x}}',
  '{{{x}}}',
  '{{&x}}',
  '<!--#include virtual="/etc/passwd" -->',
  '<!--# echo var="x" -->',
  '\u202e',
  'app\u202emoc.hoge',
  '\u200b',
  '\ufeff',
  '\ud800',
  'a'.repeat(100),
  'a'.repeat(10_000),
  '/a'.repeat(5_000),
  'include /etc/passwd',
  'include /etc/passwd;',
  ' ; return 200',
  '; return 200;',
  '} location / { return 200; }',
  '%0a',
  '%0d%0aX-Evil:%201',
  '%00',
  '%2e%2e%2f',
  '%24host',
  '/%2e%2e/x',
  '~^.*$',
  '~*.*',
  '~',
  '^/',
  '= /',
  'default',
  'hostnames',
  'volatile',
  'include',
  '*',
  '*.',
  '**',
  '.*',
  '\u0661\u0662\u0663',
  '\uff11\uff12\uff17.0.0.1',
  '\uff41pp.hoge.com',
  'app\u3002hoge\u3002com',
  '../',
  '../../etc/passwd',
  '/../x',
  '/./x',
  '//evil.example/x',
  '/\\evil.example',
  'https://evil.example/$host',
  'https://a@evil.example',
  'https://evil.example;',
  "https://evil.example/'",
  'javascript:alert(1)',
  'data:text/html,x',
  '127.0.0.1',
  '127.0.0.2',
  '0.0.0.0',
  '0',
  '0x7f000001',
  '127.1',
  '10.100.1.1',
  '169.254.169.254',
  '::1',
  'fe80::1%eth0',
  '::ffff:127.0.0.1',
  '[::1]:80',
  '0.0.0.0/0 ; allow all',
  '203.0.113.0/24 all',
  '__proto__',
  'constructor',
  'toString',
  '&anchor x',
  '*anchor',
  '!!binary aGk=',
  '!<tag:x> y',
  '<<',
  '? x',
  '- x',
  'x: y',
  '[x',
  '{x: y}',
  '---',
  '...',
  '%YAML 1.1',
  '@x',
  '`x`',
  '|',
  '>',
  'null',
  'true',
  'no',
  '1e3',
  '2027-02-31T00:00Z',
  '9999-99-99',
  'Host',
  'X-Forwarded-For',
  'Transfer-Encoding',
  '-----BEGIN PRIVATE KEY-----',
];

export const STYLES = ['double', 'single', 'plain', 'literal'] as const;
export type Style = (typeof STYLES)[number];

const MARK = 'HOSTILE-VALUE-STANDS-HERE';

/** Every field of the schema that holds no other fields, by path: `paths[].auth.basic.users.file`. */
export function leavesOf(root: SchemaNode): { path: string; node: SchemaNode }[] {
  const walk = (typed: SchemaNode, path: string): { path: string; node: SchemaNode }[] => {
    const node = typed.$ref === undefined ? typed : root.definitions![typed.$ref.replace('#/definitions/', '')]!;
    if (node.properties !== undefined)
      return Object.entries(node.properties).flatMap(([name, inner]) =>
        walk(inner, path === '' ? name : `${path}.${name}`),
      );
    if (node.items !== undefined) return walk(node.items, `${path}[]`);
    if (typeof node.additionalProperties === 'object') return walk(node.additionalProperties, `${path}.*`);
    return [{ path, node }];
  };
  return walk(root, '');
}

/** The text fields of a route, and the free names in it. */
export function textFields(): string[] {
  return leavesOf(schemas.route as SchemaNode)
    .filter(({ node }) => node.type === 'string' || node.enum?.some((word) => typeof word === 'string'))
    .flatMap(({ path }) => (path.endsWith('.*') ? [path, path.replace(/\*$/, 'KEY')] : [path]));
}

/**
 * Every hostile value at one field, as YAML of these styles. In double quotes each value arrives as it is; the others show what a
 * person may write by accident. @throws Error when no base route has the field: add it to one
 */
export function* hostileRoutes(
  field: string,
  styles: readonly Style[] = ['double'],
  protocol?: keyof typeof LAYER_4,
): Generator<HostileRoute> {
  const bases = protocol === undefined ? BASES : [LAYER_4[protocol]];
  const base = bases.find((route) => put(route, field) !== undefined);
  if (base === undefined) throw new Error(`no base route has the field ${field}`);
  const marked = blockOf(put(base, field)!);
  const harmless = blockOf(base);
  for (const value of HOSTILE_VALUES)
    for (const style of styles) yield { field, value, style, harmless, yaml: written(marked, value, style) };
}

const FORWARD = {
  origin: 'home',
  port: 4180,
  host: '192.168.1.20',
  path: '/oauth2/auth',
  signIn: '/oauth2/sign_in',
  identityHeaders: ['Remote-User'],
};
/** Self-signed for tests, valid for a hundred years; its key is gone. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBljCCAT2gAwIBAgIUR7XrPIgCLp6alKlTTeX/aWJKpz8wCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVRXhhbXBsZSBMQU4gYXV0aG9yaXR5MCAXDTI2MTEyMjAxNDI1
MFoYDzIxMjYxMDI5MDE0MjUwWjAgMR4wHAYDVQQDDBVFeGFtcGxlIExBTiBhdXRo
b3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAReAJo7iEH2LZ423/jxIw+Z
y++1uIlPA+sGz7agvw6UGRGYQ40HnCHqhFr5IXSmQ8/OFVnFLpKPDNNTWFuvqWCJ
o1MwUTAdBgNVHQ4EFgQUeqD1SzJVZLwxTPFjJeoeBZGZPVkwHwYDVR0jBBgwFoAU
eqD1SzJVZLwxTPFjJeoeBZGZPVkwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
AgNHADBEAiAAnHrZeMl/dYPWatQrHrod87M8+vqfd4oV5rNGevFs5QIgb3gQsGEI
K5uPL5/9ATkZb1VMf9Uyz8G7cLlMUKNWLYM=
-----END CERTIFICATE-----
`;
const SEALED =
  'YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBSM1B4VG5pYjRpcVphckxpVTlPbU1pVnNjU1JUdzFyZG1TOTYxQ2x2a1RjCk1KOU1KemUyZXZYemRya3FlTXh5Rm9sMWh1aTVSb2Z2MVVpTEJ0TFZvaWcKLS0tIG5SZ2I2THY4OXlmZVVaenh6NlVlRHBKR2VETis3VkRmMjZleTRrcXUyMWsKranuXrmjHsw4syqMY2epMBixaqD5I520Fg/63/l5JjIWoTVHYwxMG1cWbBmX9prIAsfFullbojEj7kkbAOdTCgamJnkn2w8wmw2TbvIeUY+AUSSbrzhbsUq6K7MredS/w4jE';

const PLAIN = { hostname: 'app.hoge.com', origin: 'home', port: 8080 } as const;
const TLS = {
  protocol: 'https',
  originTls: { verify: 'ca', ca: CERTIFICATE, serverName: 'nas.fritz.box' },
} as const satisfies Partial<Route>;
const AUTHS: readonly Auth[] = [
  { forward: FORWARD },
  ...[{ sealed: SEALED }, { file: 'users' }, { credential: 'users' }, { env: 'USERS' }].map((users) => ({
    basic: { users },
  })),
];
const LISTS = { allow: ['203.0.113.0/24'], deny: ['203.0.113.66'] };
const BACKENDS = [{ origin: 'home', port: 8080, host: '192.168.1.20' }];
const HTTP_CHECK = {
  kind: 'http',
  path: '/up',
  hostname: 'up.hoge.com',
  body: 'ok',
  interval: '9s',
  timeout: '1s',
} as const;
const SCRIPT_CHECK = { kind: 'script', script: 'disk' } as const;
const CHANGES = { set: { 'X-Powered-By': 'a' }, remove: ['X-Debug'] };

/** Good routes that together have every field, each as short as can be: every one is read some hundred times. */
const BASES: readonly Route[] = [
  { ...PLAIN, host: '192.168.1.20', pool: 'default', expiresAt: '2027-03-31T18:00Z' },
  { ...PLAIN, ...TLS },
  { hostname: 'app.hoge.com', backends: BACKENDS },
  ...AUTHS.map((auth) => ({ ...PLAIN, auth })),
  ...[{ file: 'app-cert' }, { credential: 'app-cert' }].map((certificate) => ({ ...PLAIN, tls: { certificate } })),
  { ...PLAIN, ...LISTS },
  { ...PLAIN, paths: [{ prefix: '/api', origin: 'home', port: 9000, host: '192.168.1.20' }] },
  { ...PLAIN, paths: [{ prefix: '/api', origin: 'home', port: 9000, ...TLS }] },
  { ...PLAIN, check: HTTP_CHECK },
  { ...PLAIN, check: SCRIPT_CHECK },
  { ...PLAIN, paths: [{ prefix: '/api', backends: BACKENDS }] },
  { ...PLAIN, paths: [{ prefix: '/api', backends: BACKENDS, check: HTTP_CHECK }] },
  { ...PLAIN, paths: [{ prefix: '/api', backends: BACKENDS, check: SCRIPT_CHECK }] },
  { ...PLAIN, paths: [{ prefix: '/api', ...LISTS }] },
  ...AUTHS.map((auth) => ({ ...PLAIN, paths: [{ prefix: '/api', auth }] })),
  { ...PLAIN, limits: { maxBody: '10m' }, timeouts: { connect: '2s', read: '60s', send: '60s' } },
  { ...PLAIN, headers: { request: CHANGES } },
  { ...PLAIN, headers: { response: CHANGES } },
  { ...PLAIN, maintenance: { allow: ['203.0.113.7'] } },
  { ...PLAIN, errorPages: { '404': '<h1>a</h1>', '502': '<h1>b</h1>', '503': '<h1>c</h1>', '504': '<h1>d</h1>' } },
  { hostname: 'app.hoge.com', redirect: { to: 'https://www.hoge.com' } },
];

const UNOPENED = { ...LISTS, pool: 'default', expiresAt: '2027-03-31T18:00Z', host: '192.168.1.20' };
const PORTS = { origin: 'home', port: 25_565, publicPort: 25_565, timeouts: { read: '60s' }, ...UNOPENED } as const;

/** Routes of layer 4 with every text that one may have. */
const LAYER_4: Readonly<Record<'tls' | 'tcp' | 'udp', Route>> = {
  tls: { ...PLAIN, protocol: 'tls', proxyProtocol: true, ...UNOPENED },
  tcp: { protocol: 'tcp', proxyProtocol: true, ...PORTS },
  udp: { protocol: 'udp', ...PORTS },
};

/** The text fields of layer 4 routes. */
export function layer4Fields(): [protocol: keyof typeof LAYER_4, field: string][] {
  return (['tls', 'tcp', 'udp'] as const).flatMap((protocol) =>
    textFields()
      .filter((field) => put(LAYER_4[protocol], field) !== undefined)
      .map((field): [keyof typeof LAYER_4, string] => [protocol, field]),
  );
}

/** A copy with the mark where the field stands, in the first entry of a list that has it; undefined: it has none. */
function put(value: unknown, field: string): unknown {
  if (field === '') return MARK;
  const [, step = '', rest = ''] = /^\.?(\[\]|[^.[]+)(.*)$/.exec(field)!;
  if (step === '[]') {
    if (!Array.isArray(value)) return undefined;
    const at = value.findIndex((item) => put(item, rest) !== undefined);
    return at === -1 ? undefined : value.with(at, put(value[at], rest));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  const [name, inner] = entries.find(([one]) => one === step || step === '*' || step === 'KEY') ?? [];
  if (name === undefined) return undefined;
  if (step === 'KEY')
    return Object.fromEntries(entries.map(([one, text]) => (one === name ? [MARK, text] : [one, text])));
  const changed = put(inner, rest);
  return changed === undefined ? undefined : { ...value, [name]: changed };
}

/** Block style, every text in double quotes (a JSON string is one of YAML). */
function blockOf(value: unknown, indent = ''): string {
  if (Array.isArray(value))
    return value.map((item) => `${indent}-${blockOf(item, `${indent}  `).replace(`${indent} `, '')}`).join('');
  if (typeof value !== 'object' || value === null) return `${indent} ${JSON.stringify(value)}\n`;
  return Object.entries(value)
    .map(([name, one]) => {
      const nested = typeof one === 'object';
      return `${indent}${JSON.stringify(name)}:${nested ? `\n${blockOf(one, `${indent}  `)}` : ` ${JSON.stringify(one)}\n`}`;
    })
    .join('');
}

function written(marked: string, value: string, style: Style): string {
  const at = marked.indexOf(`"${MARK}"`);
  const column = at - marked.lastIndexOf('\n', at) - 1;
  const lines = value.split('\n').map((line) => `\n${' '.repeat(column + 2)}${line}`);
  const text: Record<Style, () => string> = {
    double: () => JSON.stringify(value),
    single: () => `'${value.replaceAll("'", "''")}'`,
    plain: () => value,
    literal: () => `|-${lines.join('')}`,
  };
  return marked.slice(0, at) + text[style]() + marked.slice(at + MARK.length + 2);
}
