// Who the visitor is: the edge alone says it. Whatever a visitor claims in a header, in any spelling, never arrives.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectHttp2 } from './clients/http2-visit.ts';
import { seenBy, visit } from './clients/raw-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho, startH2cEcho, startTlsEcho } from './origins/echo-origin.ts';
import { LOGIN_PATHS, type LoginService, startLogin } from './origins/login-service.ts';
import type { Seen } from './origins/seen.ts';

/** Stands in every forged value and in nothing else. */
const MARK = 'forged';
const FROM = '127.9.8.7';
/** For the login service. */
const COOKIE = [['Cookie', 'session=alice']] as const;

/** What proxies and frameworks take for the visitor's address, scheme, host or path. */
const NAMES =
  `X-Forwarded-For Forwarded X-Real-IP X-Forwarded-Proto X-Forwarded-Host X-Forwarded-Port X-Forwarded Forwarded-For X-Forwarded-By
   X-Forwarded-Prefix X-Forwarded-Scheme X-Forwarded-Server X-Forwarded-Ssl X-Forwarded-Method X-Forwarded-Uri X-Client-IP
   X-Cluster-Client-IP True-Client-IP CF-Connecting-IP Fastly-Client-IP X-Original-Forwarded-For X-Original-URL X-Original-Host
   X-Original-Method X-Rewrite-URL Proxy`.split(/\s+/);

let edge: OneEdge;
let home: EchoOrigin;
let secure: EchoOrigin;
let h2c: EchoOrigin;
let login: LoginService;
/** Every kind of place that a request can be led through: host and path. */
const places = [
  ['app.hoge.com', '/'],
  ['limited.hoge.com', '/'],
  ['a.w.hoge.com', '/'],
  ['parts.hoge.com', '/'],
  ['parts.hoge.com', '/api/x'],
  ['parts.hoge.com', '/stripped/x'],
  ['login.hoge.com', '/'],
  ['secure.hoge.com', '/'],
  ['h2c.hoge.com', '/'],
] as const;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  secure = await startTlsEcho(edge.origins.office, await edge.pki.certificate(['inside.hoge.com']));
  h2c = await startH2cEcho(edge.origins.nas);
  login = await startLogin(edge.origins.login, 'oauth2-proxy');
  const to = `origin: home\nport: ${home.port}\n`;
  const forward = `auth: {forward: {origin: login, port: ${login.port}, path: ${LOGIN_PATHS['oauth2-proxy']}}}\n`;
  await edge.publish({
    'routes/hoge/app.yaml': `hostname: app.hoge.com\n${to}`,
    'routes/hoge/limited.yaml': `hostname: limited.hoge.com\n${to}limits: {requestsPerSecond: 1000, burst: 1000, connections: 100}\n`,
    'routes/hoge/wild.yaml': `hostname: '*.w.hoge.com'\n${to}`,
    'routes/hoge/parts.yaml': `hostname: parts.hoge.com\n${to}paths:\n  - {prefix: /api, origin: home, port: ${home.port}}\n  - {prefix: /stripped, stripPrefix: true}\n`,
    'routes/hoge/login.yaml': `hostname: login.hoge.com\n${to}${forward}`,
    'routes/hoge/secure.yaml': `hostname: secure.hoge.com\norigin: office\nport: ${secure.port}\nprotocol: https\noriginTls: {verify: none}\n`,
    'routes/hoge/h2c.yaml': `hostname: h2c.hoge.com\norigin: nas\nport: ${h2c.port}\nprotocol: h2c\n`,
  });
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home?.end(), secure?.end(), h2c?.end(), login?.end()]);
});

describe.each(places)('an origin behind %s%s', (host, path) => {
  test('gets the address of the connection in every usual form, once each', async () => {
    const seen = seenBy(await visit(edge, { host, path, from: FROM, headers: COOKIE }));
    // The prefix that was taken away is told by the edge, and by nobody else.
    const { 'x-forwarded-prefix': prefix, ...rest } = told(seen);
    expect(prefix).toEqual(path.startsWith('/stripped') ? ['/stripped'] : undefined);
    expect(rest).toEqual({
      forwarded: [`for=${FROM};host=${host};proto=https`],
      'x-forwarded-for': [FROM],
      'x-forwarded-host': [host],
      'x-forwarded-port': [String(edge.httpsPort)],
      'x-forwarded-proto': ['https'],
      'x-real-ip': [FROM],
    });
    expect(seen.headers.host).toBe(host);
  });

  test.each<[string, (name: string) => string[], [string, string][]]>([
    ['as usual', (name) => [name], []],
    ['in odd case', (name) => [oddCase(name)], []],
    ['twice', (name) => [name, name.toLowerCase()], []],
    ['with underscores', (name) => [name.replaceAll('-', '_'), name.replace('-', '_')], []],
    ['as usual and named as hop-by-hop', (name) => [name], [['Connection', NAMES.join(', ')]]],
  ])('gets none of what a visitor forges, spelled %s', async (_title, spellings, more) => {
    const forged = NAMES.flatMap((name) => spellings(name).map((spelling) => [spelling, value(name)] as const));
    const seen = seenBy(await visit(edge, { host, path, from: FROM, headers: [...COOKIE, ...more, ...forged] }));
    expect(seen.rawHeaders.join('\n')).not.toContain(MARK);
    expect(told(seen)['x-forwarded-for']).toEqual([FROM]);
    expect(told(seen).forwarded).toEqual([`for=${FROM};host=${host};proto=https`]);
  });

  test('gets none of it over HTTP/2 either, all at once', async () => {
    const connection = await connectHttp2(edge, { sni: host, from: FROM });
    const headers = NAMES.flatMap((name) =>
      [name, name.replaceAll('-', '_')].map((one) => [one, value(name)] as const),
    );
    const answer = await connection.ask({ host, path, headers: [...headers, ...COOKIE] });
    connection.end();
    const seen = JSON.parse(answer.body) as Seen;
    expect(seen.rawHeaders.join('\n')).not.toContain(MARK);
    expect(told(seen)['x-forwarded-for']).toEqual([FROM]);
  });

  test('is told the host that was asked for, without a port', async () => {
    const seen = seenBy(await visit(edge, { host: `${host.toUpperCase()}:8443`, sni: host, path, headers: COOKIE }));
    expect([seen.headers.host, seen.headers['x-forwarded-host']]).toEqual([host, host]);
  });
});

test('a login service is told the same, and nothing that was forged', async () => {
  login.questions.splice(0);
  const forged = NAMES.flatMap((name) => [name, name.replaceAll('-', '_')].map((one) => [one, value(name)] as const));
  seenBy(await visit(edge, { host: 'login.hoge.com', path: '/a', from: FROM, headers: [...COOKIE, ...forged] }));
  expect(login.questions).toHaveLength(1);
  expect(login.questions[0]!.rawHeaders.join('\n')).not.toContain(MARK);
  expect(login.questions[0]!.headers).toMatchObject({ 'x-forwarded-for': FROM, 'x-forwarded-host': 'login.hoge.com' });
});

test('a request target with a host of its own decides the host, and the header does not', async () => {
  const answer = await visit(edge, { host: MARK, sni: 'app.hoge.com', path: 'https://app.hoge.com/x' });
  const seen = seenBy(answer);
  expect(seen).toMatchObject({ url: '/x', headers: { host: 'app.hoge.com', 'x-forwarded-host': 'app.hoge.com' } });
  expect(seen.rawHeaders.join('\n')).not.toContain(MARK);
});

/** Headers that tell about the visitor, name in lower case → all values. */
function told({ rawHeaders }: Seen): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase().replaceAll('_', '-');
    if (!NAMES.some((one) => one.toLowerCase() === name)) continue;
    found[name] = [...(found[name] ?? []), rawHeaders[at + 1]!];
  }
  return found;
}

function value(name: string): string {
  return name === 'Forwarded' ? `for=${MARK}` : `${MARK}.example`;
}

function oddCase(name: string): string {
  return [...name].map((letter, index) => (index % 2 ? letter.toUpperCase() : letter.toLowerCase())).join('');
}
