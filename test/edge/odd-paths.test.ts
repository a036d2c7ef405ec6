// Paths that programs read in different ways: no spelling reaches the backend of another part, or comes past a login. docs/routes.md,
// "How paths match", says the same in prose.

import { genSaltSync, hashSync } from 'bcryptjs';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectHttp2, type Http2Connection } from './clients/http2-visit.ts';
import { seenBy, visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { literalPath, longestPrefix, READINGS } from './readings.ts';

const host = 'parts.hoge.com';
/** Prefix → the name of its backend. */
const PARTS = { '/api': 'api', '/api/admin': 'inner', '/admin': 'admin' } as const;
const PREFIXES = Object.keys(PARTS);
const backendOf = (prefix: string) => ({ '': 'site', ...PARTS })[prefix];
const BCRYPT_COST = 4;
const RUNS = 400;

let edge: OneEdge;
const backends = new Map<string, EchoOrigin>();
/** Everything that reached any backend. */
const arrived = () => [...backends.values()].flatMap(({ seen }) => seen.map(({ url }) => url));

beforeAll(async () => {
  edge = await startOneEdge();
  for (const name of ['site', ...Object.values(PARTS)])
    backends.set(name, await startEcho(edge.origins.home, { name }));
  const to = (name: string) => `origin: home, port: ${backends.get(name)!.port}`;
  const site = `origin: home\nport: ${backends.get('site')!.port}\n`;
  const auth = 'auth: {basic: {users: {file: door}}}';
  await edge.publish(
    {
      'routes/hoge/parts.yaml': `hostname: ${host}\n${site}paths:\n${Object.entries(PARTS)
        .map(([prefix, name]) => `  - {prefix: ${prefix}, ${to(name)}}\n`)
        .join('')}`,
      // All three go to one service, which may read paths as it likes.
      'routes/hoge/shut.yaml': `hostname: shut.hoge.com\n${site}${auth}
paths:
  - {prefix: /api, public: true}
  - {prefix: /api/admin}
`,
      'routes/hoge/open.yaml': `hostname: open.hoge.com\n${site}
paths:
  - {prefix: /admin, ${auth}}
  - {prefix: /api/admin, ${auth}}
`,
    },
    { secrets: { 'hoge/door': `alice:${hashSync('open sesame', genSaltSync(BCRYPT_COST))}\n` } },
  );
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([...backends.values()].map((origin) => origin.end()));
});
beforeEach(() => {
  for (const { clear } of backends.values()) clear();
});

/** What could be read in two ways: answered 400. */
const REFUSED = String.raw`
  /api/../admin /api/./x /.. /../api /./api /api/. /api/.. /x/../api /x/.
  /%2e%2e/ /%2e%2e/admin /api/%2e%2e/admin /api/.%2E/admin /api/%2e /api%2f..%2fadmin /api/..%2fadmin /api/x%2f%2e%2e%2fadmin
  //api ///api/x /%2fapi //admin /api//admin /%61pi /API /Api/x /api/ADMIN /api/%61dmin /api%2fx /api/admin%2fx /api%2Fadmin
  /api;x /api;x/y /admin;x/ /api;/admin /api/admin;a=b /api/..;/admin /..;/admin /api/.;x/y
  /;/admin /;x/admin /api/;/admin
  /api\x /api%5cx /x\..\admin /%5c /\ /api/%5Cadmin
  /api/..# /admin/..#/x /api/.#x /x/..#/api /admin#x /api#/admin /x#/../admin
  /api/%00 %5c api api/x *`
  .trim()
  .split(/\s+/);

/** Clear which part is meant: passes as it is. */
const PASSED: [target: string, origin: string][] = [
  ['//', 'site'],
  ['/x//y', 'site'],
  ['/x;y', 'site'],
  ['/x%2fy', 'site'],
  ['/x/api', 'site'],
  ['/%252e%252e/', 'site'],
  ['/%252e%252e/admin', 'site'],
  ['/api%252fx', 'site'],
  ['/api%20', 'site'],
  ['/apix/%61pi', 'site'],
  ['/...', 'site'],
  ['/.x/..y', 'site'],
  ['/x?/../admin', 'site'],
  ['/api//x', 'api'],
  ['/api/x//y;z', 'api'],
  ['/api/a%2fb', 'api'],
  ['/api/x;y', 'api'],
  ['/api/a%23b%3Fc%3bd', 'api'],
  ['/api/API/Admin', 'api'],
  ['/api/x/...', 'api'],
  ['/api?/../admin\\', 'api'],
  ['/api/admin//', 'inner'],
  ['/api/admin/%C3%BC', 'inner'],
  ['/admin/api', 'admin'],
];

describe.each(VISITS)('over %s', (_protocol, ask) => {
  test.each(REFUSED)('%s is answered 400 and reaches nobody', async (path) => {
    expect((await ask(edge, { host, path })).status).toBe(400);
    expect(arrived()).toEqual([]);
  });

  test.each(PASSED)('%s goes to %s as it is', async (path, origin) => {
    expect(seenBy(await ask(edge, { host, path }))).toMatchObject({ origin, url: path });
  });

  test.each(['shut.hoge.com', 'open.hoge.com'])('nothing odd comes past the login of %s', async (name) => {
    for (const path of [...REFUSED, ...PASSED.map(([target]) => target)]) await ask(edge, { host: name, path });
    expect(trespasses(name)).toEqual([]);
  });
});

/** So long that a pattern which repeats a group would run out of stack and give up. */
const LONG = [3_000, 15_000].flatMap((length) => {
  const slashes = '/'.repeat(length);
  return [`/x${slashes}../admin`, `/api${slashes}..;/admin`, `/api${slashes}x%5c..%5cadmin`, `${slashes}..;/admin`];
});
LONG.push(`${'/a'.repeat(2_000)}${'/..;'.repeat(2_000)}/admin`);

test.each(LONG.map((path) => [path.length, path.slice(-20), path]))(
  '%i characters that climb, …%s, are answered 400',
  async (_length, _end, path) => {
    for (const name of [host, 'shut.hoge.com', 'open.hoge.com']) {
      expect((await visit(edge, { host: name, path })).status).toBe(400);
    }
    expect(arrived()).toEqual([]);
  },
);

test('a path is not refused for being long', async () => {
  const path = '/a'.repeat(7_000);
  expect(seenBy(await visit(edge, { host, path }))).toMatchObject({ origin: 'site', url: path });
});

/** Whole URLs, which only HTTP/1.1 can send (RFC 9112 §3.2.2). */
test.each([
  [`https://${host}/api/x?y`, 200, 'api', '/api/x?y'],
  [`HTTPS://${host.toUpperCase()}/x`, 200, 'site', '/x'],
  [`http://${host}/api/admin`, 200, 'inner', '/api/admin'],
  [`https://${host}`, 200, 'site', '/'],
  [`https://${host}?/api`, 200, 'site', '/?/api'],
  [`https://${host}/api/../admin`, 400],
  [`https://${host}//api`, 400],
  ['https://nobody.hoge.com/api', 404],
  ['https://open.hoge.com/api', 421],
])('the whole URL %s is answered %i', async (path, status, origin?: string, url?: string) => {
  const answer = await visit(edge, { host, path });
  expect(answer.status).toBe(status);
  if (origin === undefined) expect(arrived()).toEqual([]);
  else expect(seenBy(answer)).toMatchObject({ origin, url, headers: { host } });
});

test('OPTIONS * is about no site, and answered 400', async () => {
  expect((await visit(edge, { host, path: '*', method: 'OPTIONS' })).status).toBe(400);
  expect(arrived()).toEqual([]);
});

describe('whatever is spelled', () => {
  const piece = fc.constantFrom(
    ...String.raw`/ / / /api /api /admin /admin /x . .. / /. /.. /; /;a=b # ? %2e %2E%2e %2f %2F%2e%2e ; ;a=b %3b \ %5c %5C // %61pi API
      Admin %252e %252f %20 + %23 %3f %c0%ae ~`.split(/\s+/),
  );
  const target = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`.replace(/^\/\/(?!\/)/, '/'));

  /** One kept connection for each name: `:path` is taken as it is. */
  const connections = new Map<string, Http2Connection>();
  beforeAll(async () => {
    for (const name of [host, 'shut.hoge.com', 'open.hoge.com'])
      connections.set(name, await connectHttp2(edge, { sni: name }));
  });
  afterAll(() => {
    for (const connection of connections.values()) connection.end();
  });

  test('it goes where the path literally says, as it is, or is answered 400; and what is spelled plainly always goes', async () => {
    const property = fc.asyncProperty(target, async (path) => {
      const answer = await connections.get(host)!.ask({ host, path });
      if (answer.status === 400) {
        expect(path).toMatch(/[.%;#\\A-Z]|\/\//);
      } else {
        const { origin, url } = seenBy(answer);
        expect([origin, url]).toEqual([backendOf(longestPrefix(literalPath(path), PREFIXES)), path]);
      }
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  test.each(['shut.hoge.com', 'open.hoge.com'])(
    'nothing comes past the login of %s, however a service reads it',
    async (name) => {
      const property = fc.asyncProperty(target, async (path) => {
        backends.get('site')!.clear();
        const { status } = await connections.get(name)!.ask({ host: name, path });
        expect([200, 400, 401]).toContain(status);
        expect(trespasses(name)).toEqual([]);
      });
      await fc.assert(property, { numRuns: RUNS });
    },
  );
});

/** What came without a login, and some program takes for a place behind it: `TARGET, to PROGRAM`. */
function trespasses(name: string): string[] {
  const prefixes = name === 'open.hoge.com' ? ['/admin', '/api/admin'] : ['/api', '/api/admin'];
  const isBehind = (prefix: string) => (name === 'open.hoge.com' ? prefix !== '' : prefix !== '/api');
  return arrived().flatMap((url) =>
    Object.entries(READINGS).flatMap(([program, read]) =>
      isBehind(longestPrefix(read(url), prefixes)) ? [`${url}, to ${program}`] : [],
    ),
  );
}
