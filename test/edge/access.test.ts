// Who may come in, by address, and in which order an edge asks.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho, startH2cEcho } from './origins/echo-origin.ts';
import { LOGIN_PATHS, type LoginService, startLogin } from './origins/login-service.ts';

let edge: OneEdge;
let home: EchoOrigin;
let h2c: EchoOrigin;
let login: LoginService;
/** Where the routes of this file go. */
let to: string;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  h2c = await startH2cEcho(edge.origins.nas);
  login = await startLogin(edge.origins.login, 'oauth2-proxy');
  to = `origin: home\nport: ${home.port}\n`;
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home?.end(), h2c?.end(), login?.end()]);
});
beforeEach(() => {
  home.clear();
  h2c.clear();
});

/** What arrived anywhere. */
const arrived = () => [...home.seen, ...h2c.seen].map(({ url }) => url);

describe('allow and deny', () => {
  beforeAll(async () => {
    const forward = `forward: {origin: login, port: ${login.port}, path: ${LOGIN_PATHS['oauth2-proxy']}}`;
    await edge.publish({
      'routes/hoge/allow.yaml': `hostname: allow.hoge.com\n${to}allow: [127.7.0.0/16, 127.8.0.1, '::1', '2001:db8::/32']\n`,
      'routes/hoge/deny.yaml': `hostname: deny.hoge.com\n${to}deny: [127.7.0.1, 127.8.0.0/16, '::1/128']\n`,
      'routes/hoge/both.yaml': `hostname: both.hoge.com\n${to}allow: [127.7.0.0/16]\ndeny: [127.7.6.0/24]\nlimits: {requestsPerSecond: 1000, burst: 1000}\n`,
      'routes/hoge/h2c.yaml': `hostname: h2c.hoge.com\norigin: nas\nport: ${h2c.port}\nprotocol: h2c\nallow: [127.7.0.0/16]\n`,
      'routes/hoge/wild.yaml': `hostname: '*.w.hoge.com'\n${to}allow: [127.7.0.0/16]\n`,
      'routes/hoge/login.yaml': `hostname: login.hoge.com\n${to}allow: [127.7.0.0/16]\nauth: {${forward}}\n`,
      'routes/hoge/parts.yaml': `hostname: parts.hoge.com\n${to}allow: [127.7.0.0/16]\ndeny: [127.7.6.6]
paths:
  - {prefix: /same, stripPrefix: true}
  - {prefix: /own, origin: nas, port: ${h2c.port}, protocol: h2c}
  - {prefix: /allow, allow: [127.8.0.0/16, 127.7.6.6]}
  - {prefix: /deny, deny: [127.7.1.1]}
  - {prefix: /both, allow: [127.8.0.0/16], deny: [127.8.0.1]}
`,
    });
  });

  test.each([
    ['allow.hoge.com/', '127.7.1.2', 200],
    ['allow.hoge.com/', '127.8.0.1', 200],
    ['allow.hoge.com/', '127.8.0.2', 403],
    ['allow.hoge.com/', '::1', 200],
    ['deny.hoge.com/', '127.7.0.1', 403],
    ['deny.hoge.com/', '127.7.0.2', 200],
    ['deny.hoge.com/', '127.8.255.255', 403],
    ['deny.hoge.com/', '::1', 403],
    ['both.hoge.com/', '127.7.0.1', 200],
    ['both.hoge.com/', '127.7.6.1', 403],
    ['both.hoge.com/', '127.8.0.1', 403],
    ['both.hoge.com/', '::1', 403],
    ['h2c.hoge.com/', '127.7.0.1', 200],
    ['h2c.hoge.com/', '127.8.0.1', 403],
    ['a.w.hoge.com/', '127.7.0.1', 200],
    ['a.w.hoge.com/', '127.8.0.1', 403],
    // A part has both lists of its site,
    ['parts.hoge.com/same', '127.7.0.1', 200],
    ['parts.hoge.com/same', '127.7.6.6', 403],
    ['parts.hoge.com/same/x', '127.8.0.1', 403],
    ['parts.hoge.com/own', '127.7.0.1', 200],
    ['parts.hoge.com/own', '127.7.6.6', 403],
    ['parts.hoge.com/own', '127.8.0.1', 403],
    // or one of its own and the other of its site,
    ['parts.hoge.com/allow', '127.8.0.1', 200],
    ['parts.hoge.com/allow', '127.7.6.6', 403],
    ['parts.hoge.com/allow', '127.7.0.1', 403],
    ['parts.hoge.com/deny', '127.7.0.1', 200],
    ['parts.hoge.com/deny', '127.7.6.6', 200],
    ['parts.hoge.com/deny', '127.7.1.1', 403],
    ['parts.hoge.com/deny', '127.8.0.1', 403],
    // or both of its own. The site itself is none the wiser.
    ['parts.hoge.com/both', '127.8.0.2', 200],
    ['parts.hoge.com/both', '127.8.0.1', 403],
    ['parts.hoge.com/both', '127.7.0.1', 403],
    ['parts.hoge.com/bothx', '127.8.0.2', 403],
    ['parts.hoge.com/', '127.7.0.1', 200],
  ])('%s is answered to %s with %i', async (place, from, status) => {
    const [host, path] = [place.slice(0, place.indexOf('/')), place.slice(place.indexOf('/'))];
    for (const [, ask] of VISITS) {
      const answer = await ask(edge, { host, path, from });
      expect(answer.status).toBe(status);
      if (status === 403) expect(answer.body).toContain('<h1>403 Forbidden</h1>');
    }
    expect(arrived()).toHaveLength(status === 200 ? 2 : 0);
  });

  test('an address that a header claims lets nobody in, and puts nobody out', async () => {
    const claims = (address: string) => ({
      'X-Forwarded-For': address,
      'X-Real-IP': address,
      Forwarded: `for=${address}`,
    });
    const [out, within] = [
      { from: '127.8.0.1', headers: claims('127.7.0.1') },
      { from: '127.7.0.1', headers: claims('127.8.0.1') },
    ];
    expect((await visit(edge, { host: 'both.hoge.com', ...out })).status).toBe(403);
    expect((await visit(edge, { host: 'both.hoge.com', ...within })).status).toBe(200);
  });

  test('who may not come in is not asked for a login, nor told that a path is odd', async () => {
    expect((await visit(edge, { host: 'login.hoge.com', from: '127.8.0.1' })).status).toBe(403);
    expect((await visit(edge, { host: 'parts.hoge.com', path: '/x/../same', from: '127.8.0.1' })).status).toBe(403);
    expect([login.questions, arrived()]).toEqual([[], []]);
  });

  test('a body, however large, gets nobody in', async () => {
    const sent = { method: 'POST', body: 'a'.repeat(100_000), from: '127.8.0.1' };
    for (const host of ['both.hoge.com', 'h2c.hoge.com'])
      expect((await visit(edge, { host, ...sent })).status).toBe(403);
    expect(arrived()).toEqual([]);
  });
});

describe('what is asked first', () => {
  const host = 'strict.hoge.com';
  beforeAll(() =>
    edge.publish({
      'routes/hoge/strict.yaml': `hostname: ${host}\n${to}allow: [127.7.0.0/16]\ndeny: [127.7.6.6]
maintenance: {allow: [127.7.0.0/24, 127.7.6.6]}\nlimits: {requestsPerSecond: 1}
auth: {basic: {users: {file: nobody}}}\npaths: [{prefix: /api, public: true}]
`,
    }),
  );

  test.each([
    ['deny', '/x/../y', '127.7.6.6', 403],
    ['allow', '/x/../y', '127.8.0.1', 403],
    ['maintenance', '/x/../y', '127.7.1.1', 503],
    ['the spelling of a path', '/x/../y', '127.7.0.1', 400],
    ['a login', '/x', '127.7.0.2', 401],
    ['nothing', '/api', '127.7.0.3', 200],
  ])('%s: %s is answered to %s with %i, and counts as a request', async (_title, path, from, status) => {
    const answers = [];
    for (const [, ask] of VISITS) answers.push(await ask(edge, { host, path, from }));
    expect(answers.map((answer) => answer.status)).toEqual([status, 429]);
    expect(answers[1]!.headers['retry-after']).toBe('1');
    expect(answers[1]!.body).toMatch(/^<!doctype html>.*<h1>429 Too Many Requests<\/h1>/);
  });
});
