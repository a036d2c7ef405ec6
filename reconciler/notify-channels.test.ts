// A channel of kokoa.yaml with credentials in real files: the message arrives, a replaced credential works at once, and none is in a problem.
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NotifyChannel } from '../schemas/types.ts';
import { createDiscordNotifier } from './adapters/notify-discord.ts';
import { type NotifyServer, startNotifyServer } from './adapters/notify-http.fixture.ts';
import { createSlackNotifier } from './adapters/notify-slack.ts';
import { type SmtpServer, startSmtpServer } from './adapters/notify-smtp.fixture.ts';
import { createSmtpNotifier } from './adapters/notify-smtp.ts';
import { createWebhookNotifier } from './adapters/notify-webhook.ts';
import { createSecretPlaces } from './adapters/secret-places.ts';
import { type Notice, notifyEvent } from './core/notify/event.ts';
import { type NotifyAdapters, notifierOf } from './notify-channels.ts';
import type { Sent } from './ports/notifier.ts';
import type { SecretPlaces } from './ports/secrets.ts';

const ADAPTERS: NotifyAdapters = {
  webhook: createWebhookNotifier,
  slack: createSlackNotifier,
  discord: createDiscordNotifier,
  smtp: createSmtpNotifier,
};
const NOTICE: Notice = {
  id: '0'.repeat(32),
  event: notifyEvent({
    kind: 'dns-write',
    subject: 'nas',
    state: 'trouble',
    at: '2026-11-22T12:00:00Z',
    reason: 'x',
  }),
};

let folder: string;
let http: NotifyServer;
let smtp: SmtpServer;
let places: SecretPlaces;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-notify-'));
  await mkdir(join(folder, '_notify'));
  await mkdir(join(folder, 'credentials'));
  http = await startNotifyServer();
  smtp = await startSmtpServer({ password: 'swordfish' });
  places = createSecretPlaces({ secretsDir: folder, credentialsDir: join(folder, 'credentials'), env: {} });
});
afterEach(async () => {
  await Promise.all([http.close(), smtp.close()]);
  await rm(folder, { recursive: true });
});

const put = (name: string, text: string) => writeFile(join(folder, '_notify', name), text);

async function send(channel: Omit<NotifyChannel, 'name'>): Promise<Sent | { problem: string }> {
  const notifier = await notifierOf({ name: 'ops', ...channel }, places, ADAPTERS, Date.now);
  return 'problem' in notifier ? notifier : notifier.send(NOTICE, new AbortController().signal);
}

it.each(['slack', 'discord'] as const)('%s posts to the URL of its credentials', async (kind) => {
  await put('chat', `${http.origin}/services/x/y\n`);
  expect(await send({ kind, credentials: { file: 'chat' } })).toEqual({ outcome: 'sent' });
  expect(http.posted[0]!.path).toBe('/services/x/y');
  expect(http.posted[0]!.body).toContain(kind === 'slack' ? '"blocks"' : '"embeds"');
});

it('a webhook is signed with the key of its credentials, and with the new one as soon as it is replaced', async () => {
  const channel = { kind: 'webhook', url: `${http.origin}/in`, credentials: { credential: 'key' } } as const;
  for (const key of ['the-first-key-of-two', 'the-second-key-of-two-x']) {
    await writeFile(join(folder, 'credentials', '_notify.key'), `${key}\n`);
    expect(await send(channel)).toEqual({ outcome: 'sent' });
    const { body, headers } = http.posted.at(-1)!;
    const expected = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
    expect(headers['x-kokoa-signature-256']).toBe(expected);
  }
});

it('e-mail logs in with the two lines of its credentials, or not at all without them', async () => {
  const channel = { kind: 'smtp', server: `127.0.0.1:${smtp.port}`, from: 'k@hoge.com', to: ['o@hoge.com'] } as const;
  await put('mail', 'kokoa\nswordfish\n');
  expect(await send({ ...channel, to: [...channel.to], credentials: { file: 'mail' } })).toEqual({ outcome: 'sent' });
  expect(await send({ ...channel, to: [...channel.to] })).toEqual({ outcome: 'sent' });
  expect(smtp.mails.map(({ login }) => login)).toEqual(['kokoa\0swordfish', undefined]);
});

it.each<[string, Omit<NotifyChannel, 'name'>, RegExp]>([
  ['has no file', { kind: 'slack', credentials: { file: 'nowhere' } }, /there is no such file/],
  ['has a file that is no URL', { kind: 'slack', credentials: { file: 'bad' } }, /it is no https URL/],
  ['leads out of its folder', { kind: 'slack', credentials: { file: '../bad' } }, /does not say all/],
  ['lacks its credentials', { kind: 'discord' }, /does not say all/],
  ['lacks its URL', { kind: 'webhook', credentials: { file: 'bad' } }, /does not say all/],
  ['lacks its recipients', { kind: 'smtp', server: 'mail.hoge.com', from: 'a@b.c' }, /does not say all/],
])('a channel that %s is a problem without a word of what was found', async (_, channel, problem) => {
  await put('bad', 'canary-canary-canary\n');
  const found = await send(channel);
  expect(found).toEqual({ problem: expect.stringMatching(problem) });
  expect(JSON.stringify(found)).not.toContain('canary');
  expect(http.posted).toEqual([]);
});
