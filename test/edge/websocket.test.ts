// WebSockets through a real edge: they work without asking, outlive changes of the configuration, and nothing else is upgraded.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seenBy, visit } from './clients/raw-visit.ts';
import { type OpenWebSocket, openWebSocket } from './clients/websocket-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';

const host = 'app.hoge.com';
/** More would meet the bound on old workers. */
const CHANGES = 5;

let edge: OneEdge;
let home: EchoOrigin;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  await edge.publish(routes(0));
});
afterAll(async () => {
  await edge?.end();
  await home?.end();
});

/** The host in question, and another one that is different each time. */
function routes(change: number): Record<string, string> {
  return {
    'routes/hoge/app.yaml': `hostname: ${host}\norigin: home\nport: ${home.port}\n`,
    'routes/hoge/other.yaml': `hostname: other${change}.hoge.com\norigin: home\nport: ${home.port}\n`,
  };
}

async function open(path: string): Promise<OpenWebSocket> {
  const visited = await openWebSocket(edge, { host, path });
  if (visited.kind === 'answered') throw new Error(`no upgrade but ${visited.answer.status}`);
  return visited;
}

test('texts go both ways', async () => {
  const socket = await open('/chat?a=%2F');
  expect(await socket.say('hello')).toBe('/chat?a=%2F: hello');
  const long = 'a'.repeat(60_000);
  expect(await socket.say(long)).toBe(`/chat?a=%2F: ${long}`);
  socket.end();
});

test(`a WebSocket survives ${CHANGES} changes of the configuration, and the removal of its own route`, async () => {
  const socket = await open('/');
  for (let change = 1; change <= CHANGES; change += 1) {
    await edge.publish(routes(change));
    expect((await visit(edge, { host: `other${change}.hoge.com` })).status).toBe(200);
    expect(await socket.say(`after ${change}`)).toBe(`/: after ${change}`);
  }
  await edge.publish({ 'routes/hoge/other.yaml': routes(0)['routes/hoge/other.yaml']! });
  expect(await socket.say('still')).toBe('/: still');
  await expect(visit(edge, { host })).rejects.toThrow(/unrecognized name/);
  socket.end();
  await edge.publish(routes(0));
});

test('the end of either side is the end of the other', async () => {
  const socket = await open('/');
  expect(await socket.say('a')).toBe('/: a');
  home.cut();
  await expect.poll(() => socket.isOpen()).toBe(false);
  const second = await open('/');
  await second.say('a');
  second.end();
  await expect.poll(() => home.webSockets()).toBe(0);
});

test.each([
  ['h2c', 'h2c', { 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }],
  ['TLS', 'TLS/1.0', {}],
  ['another name that begins alike', 'websocketx', {}],
])('nothing is upgraded to %s', async (_title, upgrade, more) => {
  const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: upgrade, ...more };
  const seen = seenBy(await visit(edge, { host, headers }));
  for (const name of ['upgrade', 'http2-settings', 'connection']) expect(seen.headers[name] ?? 'close').toBe('close');
});
