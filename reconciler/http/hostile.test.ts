// Requests that no honest client sends: bounded memory, bounded time, a clear refusal, and the server goes on.
import net from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Installation, install, NODE_PATH, report } from './http.fixture.ts';

const STATUS = `${NODE_PATH}/status`;
let at: Installation;
beforeEach(async () => {
  at = await install();
});
afterEach(async () => {
  expect((await at.ask('/healthz')).status).toBe(200);
  await at.close();
});

/** Writes `head`, then `part` up to `parts` times while the server lets it; answers what came back. */
function raw(head: string, part = '', parts = 0, timeoutMs = 15_000): Promise<{ answer: string; sentBytes: number }> {
  return new Promise((resolve) => {
    let answer = '';
    let sentBytes = 0;
    let left = parts;
    const socket = net.connect(at.server.port, '127.0.0.1', () => socket.write(head, more));
    const more = () => {
      if (left-- <= 0 || socket.destroyed || answer) return;
      sentBytes += part.length;
      socket.write(part, () => setImmediate(more));
    };
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ answer, sentBytes }));
    setTimeout(() => socket.destroy(), timeoutMs).unref();
  });
}

const head = (lines: string[]) => `POST ${STATUS} HTTP/1.1\r\nHost: x\r\n${lines.join('\r\n')}\r\n\r\n`;
const authorized = () => ['Content-Type: application/json', `Authorization: Bearer ${at.token('a')}`];

it('cuts an endless chunked body at the cap', async () => {
  const part = `10000\r\n${'a'.repeat(65_536)}\r\n`;
  const { answer, sentBytes } = await raw(head([...authorized(), 'Transfer-Encoding: chunked']), part, 3000);
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer).toContain('body_too_large');
  expect(sentBytes).toBeLessThan(16_000_000);
});

it('refuses a body that announces too much, without reading it', async () => {
  const { answer } = await raw(head([...authorized(), 'Content-Length: 200000000']));
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
});

it('refuses headers of 100 KB', async () => {
  const { answer } = await raw(head([`Authorization: Bearer ${'x'.repeat(100_000)}`]));
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
});

it('closes a connection whose headers never end', async () => {
  const startedMs = performance.now();
  const { answer } = await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: `, 'a', 0, 18_000);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
}, 20_000);

it('reads no body before the token is good', async () => {
  const startedMs = performance.now();
  const { answer, sentBytes } = await raw(
    head(['Content-Type: application/json', 'Transfer-Encoding: chunked']),
    `10000\r\n${'a'.repeat(65_536)}\r\n`,
    3000,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  expect(sentBytes).toBeLessThan(16_000_000);
  expect(performance.now() - startedMs).toBeLessThan(5000);
});

it.each<[string, string, Record<string, string>, number, string]>([
  ['bad JSON', '{"a":', {}, 400, 'not_json'],
  ['no body', '', {}, 400, 'not_json'],
  ['JSON of 100 000 levels', '['.repeat(100_000), {}, 400, 'too_deep'],
  ['brackets and quotes in strings', '{"agentVersion":"[[[\\"{{"}', {}, 422, 'bad_report'],
  ['another content type', '{}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
  ['a compressed body', '{}', { 'content-encoding': 'gzip' }, 415, 'unsupported_encoding'],
])('refuses %s', async (_, body, headers, status, error) => {
  const authorization = `Bearer ${at.token('a')}`;
  const answer = await at.ask(STATUS, {
    method: 'POST',
    body,
    headers: { authorization, 'content-type': 'application/json', ...headers },
  });
  expect([answer.status, await answer.json()]).toMatchObject([status, { error }]);
});

it('refuses a body that is not UTF-8', async () => {
  const body = Buffer.from([0x7b, 0xff, 0x7d]);
  const headers = { authorization: `Bearer ${at.token('a')}`, 'content-type': 'application/json' };
  expect(await (await at.ask(STATUS, { method: 'POST', body, headers })).json()).toMatchObject({ error: 'not_utf8' });
});

it.each([
  '/%',
  '/%ff%fe',
  '//evil.example.com/',
  '/../../etc/passwd',
  '/api/v1/edge-nodes/b/config',
  '/API/V1/edge-nodes/me/config',
  `${NODE_PATH}/config/`,
  `${NODE_PATH}/relay/leases/a%2Fb`,
  `/${'x'.repeat(8000)}`,
  '/__proto__',
  '/api/v1/routes/..%2f..%2fmetrics',
])('answers the path %s with a plain refusal', async (path) => {
  const { answer } = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 40[014] /);
  expect(answer).not.toMatch(/\.ts:|node_modules|at /);
});

it('counts requests by the pattern of their route, never by their path', async () => {
  for (const path of ['/x1', '/x2', `${NODE_PATH}/relay/leases/secret.example.com`])
    await at.ask(path, { method: 'POST' });
  const text = await (await at.ask('/metrics')).text();
  expect(text).toMatch(/kokoa_http_requests_total\{route="none",code="404"\} 2/);
  expect(text).not.toContain('secret.example.com');
});

it('writes no token to the log, whatever happens', async () => {
  await at.post('a', STATUS, report());
  await at.ask(`${NODE_PATH}/config`, { headers: { authorization: `Bearer ${at.token('a')}x` } });
  expect(at.lines.join('')).not.toContain(at.token('a').slice(0, 40));
});
