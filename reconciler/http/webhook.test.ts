// Push webhooks: GitHub's own examples, signed, unsigned, oversized and in bursts.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type Installation, install } from './http.fixture.ts';

const SECRET = 'a shared secret';
const require = createRequire(import.meta.url);
const examples: { name: string; examples: Record<string, unknown>[] }[] = JSON.parse(
  readFileSync(require.resolve('@octokit/webhooks-examples/api.github.com/index.json'), 'utf8'),
);
const example = (name: string) => examples.find((one) => one.name === name)!.examples[0]!;
const push = (change: object) => ({
  ...example('push'),
  ref: 'refs/heads/main',
  deleted: false,
  after: 'a'.repeat(40),
  ...change,
});

let at: Installation;
afterEach(() => at.close());

function deliver(
  event: string,
  payload: unknown,
  secret = SECRET,
  headers: Record<string, string> = {},
): Promise<Response> {
  const body = JSON.stringify(payload);
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const own = {
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': '1',
    'x-hub-signature-256': signature,
  };
  return at.ask('/webhooks/github', { method: 'POST', body, headers: { ...own, ...headers } });
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

it.each<[string, string, unknown, number]>([
  ['a push to the branch', 'push', push({}), 1],
  ['a push with text that is not ASCII', 'push', push({ pusher: { name: '日本' } }), 1],
  ['a push to another branch', 'push', push({ ref: 'refs/heads/topic' }), 0],
  ['a tag of the same name', 'push', push({ ref: 'refs/tags/main' }), 0],
  ['the deletion of the branch', 'push', push({ deleted: true, after: '0'.repeat(40) }), 0],
  ['a ping', 'ping', example('ping'), 0],
  ['an opened issue', 'issues', example('issues'), 0],
])('answers 200 to %s', async (_, event, payload, pushes) => {
  at = await install({ webhookSecret: SECRET });
  expect((await deliver(event, payload)).status).toBe(200);
  await settled();
  expect(at.calls.push).toBe(pushes);
});

it('takes the same delivery twice: a repeated hint costs one look', async () => {
  at = await install({ webhookSecret: SECRET });
  for (let i = 0; i < 2; i += 1) {
    await deliver('push', push({}));
    await settled();
  }
  expect(at.calls.push).toBe(2);
});

it('answers every one of a burst, and marks after the last', async () => {
  at = await install({ webhookSecret: SECRET });
  const answers = await Promise.all(Array.from({ length: 30 }, () => deliver('push', push({}))));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await settled();
  expect(at.calls.push).toBeGreaterThan(0);
  expect(at.calls.push).toBeLessThanOrEqual(30);
});

it('refuses a wrong signature, marks nothing, and keeps the payload out of the log', async () => {
  at = await install({ webhookSecret: SECRET });
  const answer = await deliver('push', push({ pusher: { name: 'whoever-pushed' } }), 'another secret');
  expect(answer.status).toBe(400);
  await settled();
  expect(at.calls.push).toBe(0);
  expect(at.lines.join('')).toContain('a webhook delivery was refused');
  expect(at.lines.join('')).not.toContain('whoever-pushed');
  expect(await (await at.ask('/metrics')).text()).toContain('kokoa_webhooks_total{result="refused"} 1');
});

it.each<[string, Record<string, string>, number]>([
  ['no signature', { 'x-hub-signature-256': '' }, 400],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['a compressed body', { 'content-encoding': 'gzip' }, 415],
  ['a garbled signature', { 'x-hub-signature-256': 'sha256=zz' }, 400],
])('refuses %s', async (_, headers, status) => {
  at = await install({ webhookSecret: SECRET });
  expect((await deliver('push', push({}), SECRET, headers)).status).toBe(status);
  await settled();
  expect(at.calls.push).toBe(0);
});

it('cuts an endless body at the cap and goes on', async () => {
  at = await install({ webhookSecret: SECRET });
  const head =
    'POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
  const part = `100000\r\n${'a'.repeat(1_048_576)}\r\n`;
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    const socket = net.connect(at.server.port, '127.0.0.1', () => socket.write(head, more));
    const more = () => void (!text && !socket.destroyed && socket.write(part, () => setImmediate(more)));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect((await deliver('push', push({}))).status).toBe(200);
});

it('lets strangers fill no more than its room, in which small deliveries have their own', async () => {
  at = await install({ webhookSecret: SECRET });
  const head =
    'POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 26214400\r\n\r\n';
  const sockets = Array.from({ length: 5 }, () => net.connect(at.server.port, '127.0.0.1'));
  const refused = await new Promise<string>((resolve) => {
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('data', (data) => resolve(String(data)));
      socket.write(`${head}{`);
    }
  });
  expect(refused).toMatch(/^HTTP\/1\.1 503 /);
  expect((await deliver('push', push({}))).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  await settled();
  // Who left took nothing along: there is room for large ones again.
  const large = await deliver('push', push({ pusher: { name: 'x'.repeat(1_000_000) } }));
  expect(large.status).toBe(200);
});

it('answers 404 without a secret, and says once what to do', async () => {
  at = await install();
  for (let i = 0; i < 3; i += 1) expect((await deliver('push', push({}))).status).toBe(404);
  expect(at.lines.filter((line) => line.includes('--webhook-secret-file'))).toHaveLength(1);
  expect(at.calls.push).toBe(0);
});
