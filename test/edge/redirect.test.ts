// A host that sends everybody elsewhere.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRaw, visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';

const STATUSES = [301, 302, 307, 308];
const PATHS = ['/', '/a%2Fb/../c;d?e=f&g=%20#', '//x', '/?', '/%ff"<>', '/x?y=/../z'];

let edge: OneEdge;

beforeAll(async () => {
  edge = await startOneEdge();
  const routes = STATUSES.flatMap((status) => [
    [`keep-${status}.hoge.com`, `{to: 'https://www.hoge.com:8443', status: ${status}}`],
    [`drop-${status}.hoge.com`, `{to: 'https://www.hoge.com/new/?a=b%20c', status: ${status}, keepPath: false}`],
  ]);
  routes.push(["'*.w.hoge.com'", '{to: http://www.fuga.com, keepPath: true}']);
  await edge.publish(
    Object.fromEntries(
      routes.map(([host, redirect], index) => [
        `routes/hoge/r${index}.yaml`,
        `hostname: ${host}\nredirect: ${redirect}\n`,
      ]),
    ),
  );
});
afterAll(() => edge?.end());

describe.each(VISITS)('over %s', (_protocol, ask) => {
  test.each(STATUSES)('%i leads to the same path elsewhere, with its query, as it was spelled', async (status) => {
    for (const path of PATHS) {
      const answer = await ask(edge, { host: `keep-${status}.hoge.com`, path });
      expect([answer.status, answer.headers.location]).toEqual([status, `https://www.hoge.com:8443${path}`]);
    }
  });

  test.each(STATUSES)('%i leads to one place, with keepPath: false', async (status) => {
    for (const path of PATHS) {
      const answer = await ask(edge, { host: `drop-${status}.hoge.com`, path });
      expect([answer.status, answer.headers.location]).toEqual([status, 'https://www.hoge.com/new/?a=b%20c']);
    }
  });

  test('308 is the default, for every name of a wildcard and every method', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']) {
      const answer = await ask(edge, { host: 'a.w.hoge.com', path: '/x', method });
      expect([answer.status, answer.headers.location]).toEqual([308, 'http://www.fuga.com/x']);
    }
  });
});

test('a body is not read, so none is too large', async () => {
  const connection = await connectRaw(edge, { host: 'a.w.hoge.com' });
  connection.write('PUT /x HTTP/1.1\r\nHost: a.w.hoge.com\r\nContent-Length: 99999999999\r\n\r\n');
  expect((await connection.answer()).status).toBe(308);
  connection.end();
});

test('by plain HTTP the first way leads to the same name by HTTPS', async () => {
  const answer = await visit(edge, { host: 'keep-301.hoge.com', path: '/x?y', plain: true });
  expect([answer.status, answer.headers.location]).toEqual([308, `https://keep-301.hoge.com:${edge.httpsPort}/x?y`]);
});
