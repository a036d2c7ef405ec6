// By what an edge is known from outside: answered whatever the rules of a route say, and without a backend.
import { request } from 'node:http';
import { genSaltSync, hashSync } from 'bcryptjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EDGE_MARK_PATH, edgeMark } from '../../bundle/edge-mark.ts';
import { visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import type { Told } from './told.ts';

let edge: OneEdge;
let home: EchoOrigin;
let told: Told;

/** By the first label of its name. */
const RULES: Record<string, string> = {
  plain: '',
  login: 'auth: {basic: {users: {file: door}}}\n',
  forward: 'auth: {forward: {origin: login, port: 9, path: /check}}\n',
  allowed: 'allow: [192.0.2.0/24]\n',
  denied: 'deny: [0.0.0.0/0]\n',
  works: 'maintenance: {allow: []}\n',
  limited: 'limits: {requestsPerSecond: 1, burst: 0, connections: 1}\n',
  over: 'expiresAt: 2030-01-01T00:00:00Z\n',
  parts: 'paths: [{prefix: /.well-known/matrix, deny: [0.0.0.0/0]}]\n',
};

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  const to = `origin: home\nport: ${home.port}\n`;
  const files = Object.entries(RULES).map(([name, rule]) => [
    `routes/hoge/${name}.yaml`,
    `hostname: ${name}.hoge.com\n${to}${rule}`,
  ]);
  told = await edge.publish(
    {
      ...Object.fromEntries(files),
      'routes/hoge/moved.yaml': 'hostname: moved.hoge.com\nredirect: {to: https://other.example, status: 301}\n',
      'routes/hoge/any.yaml': `hostname: '*.any.hoge.com'\n${to}`,
    },
    {
      secrets: { 'hoge/door': `alice:${hashSync('open sesame', genSaltSync(4))}\n` },
      now: new Date('2031-01-01T00:00:00Z'),
    },
  );
});
afterAll(async () => {
  await edge?.end();
  await home?.end();
});

test.each([...Object.keys(RULES), 'moved', 'a.any'])('%s: the mark, and no request to a backend', async (name) => {
  home.clear();
  const ask = { host: `${name}.hoge.com`, path: EDGE_MARK_PATH };
  for (const [, visited] of VISITS) {
    for (let times = 0; times < 3; times += 1) {
      const { status, body, headers } = await visited(edge, ask);
      expect([status, body, headers['content-type']]).toEqual([200, edgeMark(told.edge.node), 'text/plain']);
    }
  }
  expect(home.seen).toEqual([]);
  // The rules are there all the same.
  const other = await visit(edge, { ...ask, path: '/' });
  expect(other.status === 200).toBe(['plain', 'limited', 'parts', 'a.any'].includes(name));
});

test.each(['plain.hoge.com', 'nobody.example', '198.51.100.11', ''])('plain HTTP, any host: "%s"', async (host) => {
  const { status, body, type } = await plainly(EDGE_MARK_PATH, host);
  expect([status, body, type]).toEqual([200, edgeMark(told.edge.node), 'text/plain']);
  expect((await plainly(`${EDGE_MARK_PATH}/x`, host)).status).not.toBe(200);
});

/** An empty host is sent as such. */
function plainly(path: string, host: string): Promise<{ status: number; body: string; type: string | undefined }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: edge.address, port: edge.httpPort, path, headers: { host }, agent: false });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let body = '';
      response.on('data', (part) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body, type: response.headers['content-type'] }));
    });
    asked.end();
  });
}
