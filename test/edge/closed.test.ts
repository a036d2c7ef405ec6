// Hosts that are closed: for works at the house, or because their time is over.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seenBy, visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { THUMBPRINT } from './fleet-data.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho, startH2cEcho } from './origins/echo-origin.ts';

let edge: OneEdge;
let home: EchoOrigin;
let h2c: EchoOrigin;
/** Where the routes of this file go. */
let to: string;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  h2c = await startH2cEcho(edge.origins.nas);
  to = `origin: home\nport: ${home.port}\n`;
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home?.end(), h2c?.end()]);
});
beforeEach(() => {
  home.clear();
  h2c.clear();
});

/** What arrived anywhere. */
const arrived = () => [...home.seen, ...h2c.seen].map(({ url }) => url);

describe('maintenance', () => {
  beforeAll(async () => {
    await edge.publish({
      'routes/hoge/works.yaml': `hostname: works.hoge.com\n${to}allow: [127.7.0.0/16]\ndeny: [127.7.6.6]
maintenance: {allow: [127.7.6.0/24, 127.8.0.1, '::1']}
paths: [{prefix: /h2c, origin: nas, port: ${h2c.port}, protocol: h2c}, {prefix: /open, allow: [0.0.0.0/0]}]
`,
      'routes/hoge/nobody.yaml': `hostname: nobody.hoge.com\n${to}maintenance: {allow: []}\nerrorPages: {'503': <h1>Back at noon</h1>}\n`,
      'routes/hoge/other.yaml': `hostname: other.hoge.com\n${to}`,
    });
  });

  test.each([
    ['/', '127.7.6.1', 200],
    ['/h2c', '127.7.6.1', 200],
    ['/', '127.7.0.1', 503],
    ['/h2c', '127.7.0.1', 503],
    ['/open', '127.9.0.1', 503],
    // Works at the house open no door that is shut.
    ['/', '127.7.6.6', 403],
    ['/', '127.8.0.1', 403],
    ['/', '::1', 403],
    ['/', '127.9.0.1', 403],
    ['/open', '127.8.0.1', 200],
  ])('%s is answered to %s with %i', async (path, from, status) => {
    for (const [, ask] of VISITS) {
      const answer = await ask(edge, { host: 'works.hoge.com', path, from });
      expect(answer.status).toBe(status);
      if (status === 503) expect(answer.headers['retry-after']).toBe('300');
    }
    expect(arrived()).toHaveLength(status === 200 ? 2 : 0);
  });

  test.each([
    ['works.hoge.com', '<h1>503 Service Unavailable</h1>'],
    ['nobody.hoge.com', '<h1>Back at noon</h1>'],
  ])('%s says so with its page, whatever the method', async (host, page) => {
    for (const method of ['GET', 'POST', 'PUT']) {
      const answer = await visit(edge, { host, method, body: 'body', from: '127.7.0.1' });
      expect([answer.status, answer.headers['retry-after'], answer.headers['cache-control']]).toEqual([
        503,
        '300',
        'no-store',
      ]);
      expect(answer.body).toContain(page);
    }
    expect(arrived()).toEqual([]);
  });

  test('other hosts know nothing of it, and by plain HTTP nobody does', async () => {
    expect((await visit(edge, { host: 'other.hoge.com' })).status).toBe(200);
    expect((await visit(edge, { host: 'nobody.hoge.com', plain: true })).status).toBe(308);
  });
});

describe('expiresAt', () => {
  const host = 'brief.hoge.com';
  const MOMENT = '2030-03-31T18:00Z';
  const files = () => ({
    'routes/hoge/brief.yaml': `hostname: ${host}\n${to}expiresAt: ${MOMENT}\nallow: [127.0.0.0/8]
paths: [{prefix: /api, origin: nas, port: ${h2c.port}, protocol: h2c}]
errorPages: {'404': <h1>It was nice</h1>}
`,
    'routes/hoge/moved.yaml': `hostname: moved.hoge.com\nredirect: {to: https://www.hoge.com}\nexpiresAt: ${MOMENT}\n`,
    'routes/hoge/other.yaml': `hostname: other.hoge.com\n${to}`,
  });
  const publishAt = (now: string) => edge.publish(files(), { now: new Date(now) });

  test('a second before, all is as ever', async () => {
    await publishAt('2030-03-31T17:59:59Z');
    expect(seenBy(await visit(edge, { host })).url).toBe('/');
    expect(seenBy(await visit(edge, { host, path: '/api' })).httpVersion).toBe('2.0');
    expect((await visit(edge, { host: 'moved.hoge.com' })).status).toBe(308);
  });

  test.each(['2030-03-31T18:00:00Z', '2031-01-01T00:00:00Z'])(
    'at %s every path is answered 404, and TLS is as it was',
    async (now) => {
      await publishAt(now);
      for (const [, ask] of VISITS) {
        for (const path of ['/', '/api', '/a/../b']) {
          const answer = await ask(edge, { host, path });
          expect([answer.status, answer.body]).toEqual([404, '<h1>It was nice</h1>']);
        }
        const moved = await ask(edge, { host: 'moved.hoge.com', method: 'POST', body: 'body' });
        expect([moved.status, moved.headers.location]).toEqual([404, undefined]);
        expect(moved.body).toContain('<h1>404 Not Found</h1>');
      }
      expect(arrived()).toEqual([]);
      expect((await visit(edge, { host: 'other.hoge.com' })).status).toBe(200);
    },
  );

  test('by plain HTTP the name is known as before: certificates can still be had, and visitors are sent on to the 404', async () => {
    await publishAt(MOMENT);
    const known = await visit(edge, { host, plain: true, path: '/x' });
    expect([known.status, known.headers.location]).toEqual([308, `https://${host}:${edge.httpsPort}/x`]);
    const challenge = await visit(edge, { host, plain: true, path: '/.well-known/acme-challenge/token' });
    expect([challenge.status, challenge.body]).toEqual([200, `token.${THUMBPRINT}`]);
  });
});
