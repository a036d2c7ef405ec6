// Headers that a route changes, on the way to its service and back, whatever the service speaks and whoever answers; and HSTS.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectHttp2 } from './clients/http2-visit.ts';
import { seenBy, visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho, startH2cEcho, startTlsEcho } from './origins/echo-origin.ts';
import { refusingPort, startFaulty } from './origins/faulty-origin.ts';
import type { Listening } from './origins/listening.ts';
import type { Seen } from './origins/seen.ts';

/** Everything that means something to nginx, and may stand in a value. */
const ODD = `a "b" 'c';{d} #e %20 \${f}`.replace('$', '');
const HSTS = 'max-age=63072000; includeSubDomains; preload';
/** What the services answer, before the edge changes it. */
const REPLY = {
  'x-frame-options': 'SAMEORIGIN',
  'x-powered-by': ['php', 'perl'],
  'strict-transport-security': 'max-age=1',
  'set-cookie': ['a=1', 'b=2'],
  'cache-control': 'public',
  'x-own': 'mine',
};
const HEADERS = `headers:
  request:
    set: {X-Team: hoge, X-Odd: ${JSON.stringify(ODD)}, User-Agent: kokoa}
    remove: [Cookie, X-Secret, Authorization]
  response:
    set: {X-Frame-Options: DENY, X-Odd: ${JSON.stringify(ODD)}}
    remove: [X-Powered-By, Cache-Control]
hsts: {maxAge: 63072000, includeSubDomains: true, preload: true}
`;

let edge: OneEdge;
let to: string;
const open: Pick<Listening, 'end'>[] = [];
/** Every way to a service: host and path. */
const places = [
  ['plain.hoge.com', '/'],
  ['parts.hoge.com', '/'],
  ['parts.hoge.com', '/cut/x'],
  ['parts.hoge.com', '/secure'],
  ['parts.hoge.com', '/h2c'],
  ['a.w.hoge.com', '/'],
] as const;

beforeAll(async () => {
  edge = await startOneEdge();
  const { home, office, nas } = edge.origins;
  const reply = ({ url }: Seen) => ({ status: Number(/\?(\d+)$/.exec(url)?.[1] ?? 200), headers: REPLY });
  const plain: EchoOrigin = await startEcho(home, { reply });
  const secure = await startTlsEcho(office, await edge.pki.certificate(['parts.hoge.com']), { reply });
  const h2c = await startH2cEcho(nas, { reply });
  const hangs = await startFaulty(nas, 'hangs');
  open.push(plain, secure, h2c, hangs);
  to = `origin: home\nport: ${plain.port}\n`;
  const files = {
    plain: `hostname: plain.hoge.com\n${to}${HEADERS}`,
    wild: `hostname: '*.w.hoge.com'\n${to}${HEADERS}`,
    parts: `hostname: parts.hoge.com\n${to}${HEADERS}timeouts: {read: 500ms}\nlimits: {maxBody: 1k}
paths:
  - {prefix: /cut, stripPrefix: true}
  - {prefix: /secure, origin: office, port: ${secure.port}, protocol: https, originTls: {verify: none}}
  - {prefix: /h2c, origin: nas, port: ${h2c.port}, protocol: h2c}
  - {prefix: /login, auth: {basic: {users: {file: nobody}}}}
  - {prefix: /deny, deny: [0.0.0.0/0]}
  - {prefix: /refuses, origin: nas, port: ${await refusingPort(nas)}}
  - {prefix: /h2c-refuses, origin: nas, port: ${await refusingPort(nas)}, protocol: h2c}
  - {prefix: /hangs, origin: nas, port: ${hangs.port}}
`,
    often: `hostname: often.hoge.com\n${to}${HEADERS}limits: {requestsPerSecond: 1}\n`,
    works: `hostname: works.hoge.com\n${to}${HEADERS}maintenance: {allow: []}\n`,
    moved: `hostname: moved.hoge.com\nredirect: {to: https://www.hoge.com}\nhsts: {maxAge: 63072000, includeSubDomains: true, preload: true}\nheaders: {response: {set: {X-Frame-Options: DENY, X-Odd: ${JSON.stringify(ODD)}}}}\n`,
    // Somebody who changes nothing.
    none: `hostname: none.hoge.com\n${to}`,
  };
  await edge.publish(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`routes/hoge/${name}.yaml`, text])),
  );
});
afterAll(async () => {
  await edge?.end();
  await Promise.all(open.map((origin) => origin.end()));
});

describe.each(places)('behind %s%s', (host, path) => {
  test.each(VISITS)('a service gets what is set, once, and nothing of what is removed, over %s', async (_name, ask) => {
    const sent: [string, string][] = ['X-Team', 'x-team', 'X-TEAM', 'User-Agent'].map((name) => [name, 'visitor']);
    const removed = ['Cookie', 'X-Secret', 'x-secret', 'Authorization'].map((name) => [name, 'visitor'] as const);
    const { rawHeaders, headers } = seenBy(
      await ask(edge, { host, path, headers: [...sent, ...removed, ['X-Own', 'mine']] }),
    );
    expect(rawHeaders).not.toContain('visitor');
    expect(headers).toMatchObject({ 'x-team': 'hoge', 'x-odd': ODD, 'user-agent': 'kokoa', 'x-own': 'mine' });
    expect(headers).toMatchObject({ host, 'x-forwarded-proto': 'https' });
  });

  test.each([200, 404, 500])(
    'a visitor gets what is set in place of what the service says in its %i, and nothing of what is removed',
    async (status) => {
      const answer = await visit(edge, { host, path: `${path}?${status}` });
      expect(answer.status).toBe(status);
      expect(grouped(answer.rawHeaders)).toMatchObject({
        'x-frame-options': ['DENY'],
        'x-odd': [ODD],
        'strict-transport-security': [HSTS],
        'set-cookie': ['a=1', 'b=2'],
        'x-own': ['mine'],
      });
      for (const name of ['x-powered-by', 'cache-control']) expect(grouped(answer.rawHeaders)).not.toHaveProperty(name);
    },
  );
});

test('a host that changes nothing passes everything', async () => {
  const answer = await visit(edge, {
    host: 'none.hoge.com',
    headers: { Cookie: 'a=1', 'User-Agent': 'mine', 'X-Team': 'x' },
  });
  expect(seenBy(answer).headers).toMatchObject({ cookie: 'a=1', 'user-agent': 'mine', 'x-team': 'x' });
  expect(grouped(answer.rawHeaders)).toMatchObject({
    ...{ 'x-frame-options': ['SAMEORIGIN'], 'x-powered-by': ['php', 'perl'], 'cache-control': ['public'] },
    'strict-transport-security': ['max-age=1'],
  });
});

test.each([
  [400, 'parts.hoge.com', '/x/../y', 'GET'],
  [401, 'parts.hoge.com', '/login', 'GET'],
  [403, 'parts.hoge.com', '/deny', 'GET'],
  [404, 'parts.hoge.com', '/.kokoa/502.html', 'GET'],
  [413, 'parts.hoge.com', '/', 'POST'],
  [429, 'often.hoge.com', '/', 'GET'],
  [502, 'parts.hoge.com', '/refuses', 'GET'],
  [502, 'parts.hoge.com', '/h2c-refuses', 'GET'],
  [503, 'works.hoge.com', '/', 'GET'],
  [504, 'parts.hoge.com', '/hangs', 'GET'],
  [308, 'moved.hoge.com', '/', 'GET'],
])('what is set stands on a %i of the edge too (%s%s)', async (status, host, path, method) => {
  const body = method === 'POST' ? { body: 'a'.repeat(2000) } : {};
  if (status === 429) await Promise.all([1, 2].map(() => visit(edge, { host, from: '127.7.0.1' })));
  const answer = await visit(edge, { host, path, method, from: '127.7.0.1', ...body });
  expect(answer.status).toBe(status);
  if (status >= 400) expect(answer.body).toMatch(new RegExp(`^<!doctype html>.*<h1>${status} `));
  expect(grouped(answer.rawHeaders)).toMatchObject({
    ...{ 'x-frame-options': ['DENY'], 'x-odd': [ODD] },
    'strict-transport-security': [HSTS],
  });
  const over2 = await connectHttp2(edge, { sni: host, from: '127.7.0.1' });
  const { headers } = await over2.ask({ host, path, method, ...body });
  over2.end();
  expect([headers['x-frame-options'], headers['strict-transport-security']]).toEqual(['DENY', HSTS]);
});

describe('hsts', () => {
  test.each([
    ['{maxAge: 600}', 'max-age=600'],
    ['{maxAge: 600, includeSubDomains: true}', 'max-age=600; includeSubDomains'],
    ['{maxAge: 31536000, includeSubDomains: true, preload: true}', 'max-age=31536000; includeSubDomains; preload'],
    ['{maxAge: 0}', 'max-age=0'],
  ])('%s is told as %s, and never without TLS (RFC 6797 §7.2)', async (hsts, value) => {
    const host = 'strict.hoge.com';
    await edge.publish({ 'routes/hoge/strict.yaml': `hostname: ${host}\n${to}hsts: ${hsts}\n` });
    for (const [, ask] of VISITS) {
      expect((await ask(edge, { host })).headers['strict-transport-security']).toBe(value);
    }
    expect((await visit(edge, { host, plain: true })).headers).not.toHaveProperty('strict-transport-security');
  });
});

/** Name in lower case → all values. */
function grouped(rawHeaders: readonly [string, string][]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [name, value] of rawHeaders) found[name.toLowerCase()] = [...(found[name.toLowerCase()] ?? []), value];
  return found;
}
