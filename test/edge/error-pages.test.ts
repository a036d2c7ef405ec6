// What the edge says when there is nothing to pass on: a page of the route's own or of ours, and never in place of what a service answers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { refusingPort, startFaulty } from './origins/faulty-origin.ts';
import type { Listening } from './origins/listening.ts';

/** Nothing in it means anything to nginx or to a template. */
const page = (of: string) =>
  `<!doctype html>\n<h1>${of} – ü</h1> $host {{x}} "y" 'z' <!--# include file="/etc/passwd" -->;}\n`;
const PAGES = [404, 502, 503, 504] as const;
const DEFAULTS = {
  404: '<h1>404 Not Found</h1>',
  502: '<h1>502 Bad Gateway</h1>',
  503: '<h1>503 Service Unavailable</h1>',
  504: '<h1>504 Gateway Timeout</h1>',
} as const;
const FIRST = 1;
const EXPIRED = '2020-01-01T00:00Z';

let edge: OneEdge;
let home: EchoOrigin;
const open: Pick<Listening, 'end'>[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home, {
    reply: ({ url }) => (/^\/\d/.test(url) ? { status: Number(url.slice(FIRST)), body: `my own ${url}` } : {}),
  });
  const hangs = await startFaulty(edge.origins.nas, 'hangs');
  open.push(home, hangs);
  const refused = `origin: nas\nport: ${await refusingPort(edge.origins.nas)}\n`;
  const alive = `origin: home\nport: ${home.port}\n`;
  /** How each status comes about. */
  const ways = {
    404: `${alive}expiresAt: ${EXPIRED}\n`,
    502: refused,
    503: `${alive}maintenance: {allow: []}\n`,
    504: `origin: nas\nport: ${hangs.port}\ntimeouts: {read: 500ms}\n`,
  };
  /** All four, so that the wrong one would be seen. */
  const own = (name: string) =>
    `errorPages: ${JSON.stringify(Object.fromEntries(PAGES.map((status) => [status, page(`${name} ${status}`)])))}\n`;
  const routes: [host: string, text: string][] = PAGES.flatMap((status) => [
    [`mine-${status}.hoge.com`, ways[status] + own('mine')],
    [`other-${status}.hoge.com`, ways[status] + own('other')],
    [`none-${status}.hoge.com`, ways[status]],
  ]);
  routes.push(
    ["'*.w.hoge.com'", refused + own('star')],
    ['own.w.hoge.com', refused],
    ['passing.hoge.com', alive + own('mine')],
    ['h2c.hoge.com', `${refused}protocol: h2c\n${own('mine')}`],
    ['https.hoge.com', `${refused}protocol: https\noriginTls: {verify: none}\n${own('mine')}`],
    ['parts.hoge.com', `${alive}${own('mine')}paths: [{prefix: /api, ${refused.trim().replace('\n', ', ')}}]\n`],
  );
  await edge.publish(
    Object.fromEntries(
      routes.map(([host, text], index) => [`routes/hoge/r${index}.yaml`, `hostname: ${host}\n${text}`]),
    ),
  );
});
afterAll(async () => {
  await edge?.end();
  await Promise.all(open.map((origin) => origin.end()));
});

describe.each(VISITS)('over %s', (_protocol, ask) => {
  describe.each(PAGES)('a %i of the edge', (status) => {
    test.each(['GET', 'POST', 'PROPFIND'])('has the page of its host and no other, asked by %s', async (method) => {
      const body = method === 'POST' ? { body: 'body' } : {};
      for (const name of ['mine', 'other']) {
        const answer = await ask(edge, { host: `${name}-${status}.hoge.com`, path: '/a/b.txt', method, ...body });
        expect([answer.status, answer.body]).toEqual([status, page(`${name} ${status}`)]);
        expect(answer.headers).toMatchObject({ 'content-type': 'text/html', 'cache-control': 'no-store' });
      }
      const answer = await ask(edge, { host: `none-${status}.hoge.com`, method, ...body });
      expect([answer.status, answer.headers['content-type']]).toEqual([status, 'text/html']);
      expect(answer.body).toContain(DEFAULTS[status]);
      expect(answer.body).not.toMatch(/nginx/i);
    });

    test('has no body for HEAD', async () => {
      const answer = await ask(edge, { host: `mine-${status}.hoge.com`, method: 'HEAD' });
      const length = String(Buffer.byteLength(page(`mine ${status}`)));
      expect([answer.status, answer.body, answer.headers['content-length']]).toEqual([status, '', length]);
    });
  });

  test.each(PAGES)("a %i of the service's own passes unchanged", async (status) => {
    const answer = await ask(edge, { host: 'passing.hoge.com', path: `/${status}` });
    expect([answer.status, answer.body]).toEqual([status, `my own /${status}`]);
    expect(answer.headers['x-echo']).toBe('echo');
  });

  test.each([
    ['a.w.hoge.com', '/', page('star 502')],
    ['own.w.hoge.com', '/', undefined],
    ['h2c.hoge.com', '/', page('mine 502')],
    ['https.hoge.com', '/', page('mine 502')],
    ['parts.hoge.com', '/api', page('mine 502')],
  ])('where %s%s cannot be reached, its page says so', async (host, path, expected) => {
    const answer = await ask(edge, { host, path });
    expect(answer.status).toBe(502);
    expected === undefined ? expect(answer.body).toContain(DEFAULTS[502]) : expect(answer.body).toBe(expected);
  });

  test.each(['/.kokoa/502.html', '/.kokoa/login', '/%2ekokoa/502.html', '/x/../.kokoa/', '/.kokoa/../.kokoa/404.html'])(
    'the folder of the pages is nobody’s to read: %s',
    async (path) => {
      home.clear();
      const answer = await ask(edge, { host: 'passing.hoge.com', path });
      expect([answer.status, answer.body, home.seen]).toEqual([404, page('mine 404'), []]);
    },
  );
});

test('a host that is not published has our page, whoever else has one of its own', async () => {
  const answer = await visit(edge, { sni: 'mine-404.hoge.com', host: 'unknown.hoge.com' });
  expect(answer.status).toBe(404);
  expect(answer.body).not.toContain('mine');
});
