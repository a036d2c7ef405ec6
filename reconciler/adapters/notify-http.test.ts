// Webhook, Slack and Discord against a server that misbehaves: what becomes of a message, and what never stands in a reason.
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Notice, notifyEvent } from '../core/notify/event.ts';
import type { Notifier } from '../ports/notifier.ts';
import { createDiscordNotifier } from './notify-discord.ts';
import { type NotifyServer, startNotifyServer } from './notify-http.fixture.ts';
import { postJson } from './notify-post.ts';
import { createSlackNotifier } from './notify-slack.ts';
import { createWebhookNotifier } from './notify-webhook.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const now = () => NOW;
const CANARY = 'canary-B8rT0-secret';
const NOTICE: Notice = {
  id: 'f'.repeat(32),
  event: notifyEvent({
    ...{ kind: 'dns-write', subject: 'hoge.com', state: 'trouble', at: '2026-11-22T11:59:00.000Z', reason: 'refüsed' },
  }),
};

let server: NotifyServer;
let open: AbortController;
beforeEach(async () => {
  server = await startNotifyServer();
  open = new AbortController();
});
afterEach(() => server.close());

const secretUrl = () => new URL(`${server.origin}/services/T000/${CANARY}?token=${CANARY}%21`);
const KINDS: [string, (msMax?: number) => Notifier][] = [
  [
    'webhook',
    (msMax) => createWebhookNotifier({ url: secretUrl(), key: `${CANARY}-key`, now, ...(msMax && { msMax }) }),
  ],
  ['slack', (msMax) => createSlackNotifier({ url: secretUrl(), now, ...(msMax && { msMax }) })],
  ['discord', (msMax) => createDiscordNotifier({ url: secretUrl(), now, ...(msMax && { msMax }) })],
];

describe.each(KINDS)('%s', (_, make) => {
  const send = (msMax?: number) => make(msMax).send(NOTICE, open.signal);

  it.each([200, 204])('is sent when it answers %d', async (status) => {
    server.answer = (response) => response.writeHead(status).end();
    expect(await send()).toEqual({ outcome: 'sent' });
    expect(server.posted).toHaveLength(1);
    expect(server.posted[0]!.headers['content-type']).toBe('application/json');
    expect(JSON.parse(server.posted[0]!.body)).toBeTypeOf('object');
  });

  it.each<[number, Record<string, string>, string, object]>([
    [400, {}, 'invalid_payload', { outcome: 'refused', reason: 'answered 400: invalid_payload' }],
    [
      404,
      {},
      '{"message": "Unknown Webhook"}',
      { outcome: 'refused', reason: 'answered 404: {"message": "Unknown Webhook"}' },
    ],
    [410, {}, '', { outcome: 'refused', reason: 'answered 410' }],
    [
      301,
      { location: 'http://127.0.0.1:1/' },
      '',
      { outcome: 'refused', reason: 'answered 301: redirects are not followed' },
    ],
    [307, { location: '/elsewhere' }, '', { outcome: 'refused', reason: 'answered 307: redirects are not followed' }],
    [500, {}, 'oops', { outcome: 'retry', reason: 'answered 500: oops' }],
    [503, { 'retry-after': '120' }, '', { outcome: 'retry', reason: 'answered 503', afterMs: 120_000 }],
    [429, { 'retry-after': '7' }, '', { outcome: 'retry', reason: 'answered 429', afterMs: 7_000 }],
    [429, { 'retry-after': '0' }, '', { outcome: 'retry', reason: 'answered 429', afterMs: 1_000 }],
    [429, { 'retry-after': '-5' }, '', { outcome: 'retry', reason: 'answered 429', afterMs: 1_000 }],
    [429, { 'retry-after': '1e99' }, '', { outcome: 'retry', reason: 'answered 429', afterMs: 3600_000 }],
    [429, { 'retry-after': 'soon' }, '', { outcome: 'retry', reason: 'answered 429' }],
    [
      ...([429, { 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT' }, ''] as const),
      { outcome: 'retry', reason: 'answered 429', afterMs: 30_000 },
    ],
    [
      ...([429, {}, '{"retry_after": 2.5}'] as const),
      { outcome: 'retry', reason: 'answered 429: {"retry_after": 2.5}', afterMs: 2_500 },
    ],
    [408, {}, '', { outcome: 'retry', reason: 'answered 408' }],
  ])('answered %d with %j and %j it is', async (status, headers, body, expected) => {
    server.answer = (response) => response.writeHead(status, headers).end(body);
    expect(await send()).toEqual(expected);
    expect(server.posted).toHaveLength(1);
  });

  it('hides what is secret when the other side repeats it, and cleans its words', async () => {
    server.answer = (response, { path, headers, body }) =>
      response
        .writeHead(400)
        .end(`\u001b[31mno ${path} ${CANARY}! ${server.origin}${path}\r\n${JSON.stringify(headers)} ${body}`);
    const sent = await send();
    expect(sent).toMatchObject({ outcome: 'refused', reason: expect.stringMatching(/^answered 400: \[31mno /) });
    expect(JSON.stringify(sent)).not.toMatch(/canary|secret|\\u001b|\\r|http:\/\//);
    expect(JSON.stringify(sent).length).toBeLessThan(300);
  });

  it('is not waited for longer than it may', async () => {
    server.answer = () => {};
    expect(await send(100)).toEqual({ outcome: 'retry', reason: 'no answer within 100 ms' });
  });

  it('is given up at once when all ends', async () => {
    server.answer = () => open.abort();
    expect(await send()).toEqual({ outcome: 'retry', reason: 'given up: the reconciler ends' });
  });

  it('a cut connection is tried again, and its reason has no URL', async () => {
    server.answer = (response) => response.socket!.destroy();
    const sent = await send();
    expect(sent).toMatchObject({ outcome: 'retry', reason: expect.stringMatching(/^not reached(: [A-Z_]+)?$/) });
  });

  it('a server that is not there is tried again', async () => {
    await server.close();
    expect(await send()).toEqual({ outcome: 'retry', reason: 'not reached: ECONNREFUSED' });
    server = await startNotifyServer();
  });

  it('what was taken is sent, though the answer never ends', async () => {
    let isCut = false;
    server.answer = (response) => {
      response.on('close', () => {
        isCut = true;
      });
      response.writeHead(200);
      const more = () => {
        if (response.destroyed) return;
        response.write('x'.repeat(16 * 1024));
        setImmediate(more);
      };
      more();
    };
    expect(await send()).toEqual({ outcome: 'sent' });
    await expect.poll(() => isCut).toBe(true);
  });

  it('what was taken is sent, though its answer hangs', async () => {
    server.answer = (response) => void response.writeHead(200).write('o');
    expect(await send(300)).toEqual({ outcome: 'sent' });
  });
});

it('a webhook is signed: the time and the id stand in what is signed, and one byte more is another signature', async () => {
  const key = 'sixteen-characters';
  await createWebhookNotifier({ url: new URL(`${server.origin}/x`), key, now }).send(NOTICE, open.signal);
  const { body, headers } = server.posted[0]!;
  const signatureOf = (text: string) => `sha256=${createHmac('sha256', key).update(text).digest('hex')}`;
  expect(headers['x-kokoa-signature-256']).toBe(signatureOf(body));
  expect(headers['x-kokoa-signature-256']).not.toBe(signatureOf(`${body} `));
  expect(headers['x-kokoa-notice-id']).toBe(NOTICE.id);
  expect(JSON.parse(body)).toMatchObject({ id: NOTICE.id, sentAt: '2026-11-22T12:00:00.000Z', reason: 'refüsed' });
});

it.each(['http://192.0.2.1/x', 'http://127.0.0.1.evil.example/', 'https://user:pass@127.0.0.1/'])(
  'to %s nothing is sent',
  async (url) => {
    const sent = await postJson({ url: new URL(url), body: '{}', signal: open.signal, now });
    expect(sent).toEqual({ outcome: 'refused', reason: 'the URL is neither https nor on this machine' });
  },
);
