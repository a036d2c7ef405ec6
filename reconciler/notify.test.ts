// Operators are told: each channel by itself, once, also after a restart, and nobody waits for a channel that is dead.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NotifyChannel } from '../schemas/types.ts';
import { createMemoryNotices, type MemoryNotices } from '../test/fakes/memory-notices.ts';
import { type NotifyKind, type NotifyState, notifyEvent } from './core/notify/event.ts';
import { createNotify, type Notify, type NotifyDeps } from './notify.ts';
import { TRIED_MS_MAX, WAITING_MAX } from './notify-queue.ts';
import type { Notifier, Sent } from './ports/notifier.ts';

const DAY_MS = 24 * 3600_000;
let store: MemoryNotices;
let nowMs: number;
/** `channel kind subject state`, in the order in which they arrived. */
let arrived: string[];
let ids: string[];
let counts: Record<string, number>;
let warnings: { fields: Record<string, unknown>; message: string }[];
let channels: NotifyChannel[] | undefined;
/** What a channel answers; default: sent. */
let answers: Record<string, (attempt: number, signal: AbortSignal) => Sent | Promise<Sent>>;
let running: { notify: Notify; stop(): Promise<void> }[];

beforeEach(() => {
  store = createMemoryNotices();
  nowMs = Date.parse('2026-11-22T12:00:00Z');
  [arrived, ids, warnings, running] = [[], [], [], []];
  counts = {};
  answers = {};
  channels = [channel('chat'), channel('mail')];
});
afterEach(async () => {
  for (const one of running) await one.stop();
});

function channel(name: string, on?: NotifyChannel['on']): NotifyChannel {
  return { name, kind: 'slack', credentials: { file: name }, ...(on && { on }) };
}

function start(more: Partial<NotifyDeps> = {}): Notify {
  const attempts: Record<string, number> = {};
  const notify = createNotify({
    channels: () => channels,
    store,
    notifier: async ({ name }): Promise<Notifier> => ({
      async send(notice, signal) {
        attempts[name] = (attempts[name] ?? 0) + 1;
        const sent = (await answers[name]?.(attempts[name], signal)) ?? ({ outcome: 'sent' } as const);
        const { kind, subject, state } = notice.event;
        if (sent.outcome === 'sent') {
          arrived.push(`${name} ${kind} ${subject} ${notice.isFlapping ? 'flaps ' : ''}${state}`);
          ids.push(`${name} ${notice.id}`);
        }
        return sent;
      },
    }),
    log: {
      info: () => undefined,
      warn: (fields, message) => void warnings.push({ fields: fields as Record<string, unknown>, message }),
    },
    counted: (name, result) => {
      counts[`${name} ${result}`] = (counts[`${name} ${result}`] ?? 0) + 1;
    },
    now: () => nowMs,
    ...{ pauseMsMin: 5, settleMs: 20 },
    ...more,
  });
  const open = new AbortController();
  const done = notify.run(open.signal);
  running.push({
    notify,
    async stop() {
      open.abort();
      await done;
    },
  });
  return notify;
}

/** As a kill does it: nothing more comes of what runs. */
async function restart(): Promise<Notify> {
  store = store.afterPowerLoss();
  for (const one of running.splice(0)) await one.stop();
  return start();
}

const event = (state: NotifyState, subject = 'tokyo-1', kind: NotifyKind = 'node-silent') =>
  notifyEvent({ kind, subject, state, at: new Date(nowMs).toISOString(), reason: 'silent' });
/** So many messages of the channel were sent or dropped, and nothing waits for it. */
const settled = async (notify: Notify, name: string, count: number) => {
  await expect.poll(() => (counts[`${name} sent`] ?? 0) + (counts[`${name} dropped`] ?? 0)).toBe(count);
  await expect.poll(() => notify.waiting().get(name)).toBe(0);
};

it('one message for each change goes to each channel that wants it', async () => {
  channels = [channel('chat'), channel('mail', ['dns-write'])];
  const notify = start();
  notify.tell(event('trouble'));
  notify.tell(event('trouble'));
  notify.tell(event('trouble', 'hoge.com', 'dns-write'));
  notify.tell(event('well', 'osaka-1'));
  notify.tell(event('well'));
  await expect
    .poll(() => arrived.toSorted())
    .toEqual([
      'chat dns-write hoge.com trouble',
      'chat node-silent tokyo-1 trouble',
      'chat node-silent tokyo-1 well',
      'mail dns-write hoge.com trouble',
    ]);
  expect(arrived.filter((one) => one.includes('tokyo-1')).map((one) => one.split(' ').at(-1))).toEqual([
    'trouble',
    'well',
  ]);
  expect(counts).toEqual({ 'chat sent': 3, 'mail sent': 1 });
});

it('a channel that hangs delays neither another one nor whoever tells', async () => {
  answers.chat = (_, signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve({ outcome: 'retry', reason: 'ends' })));
  const notify = start();
  for (let at = 0; at < 20; at += 1) notify.tell(event('trouble', `edge-${at}`));
  await expect.poll(() => arrived.filter((one) => one.startsWith('mail'))).toHaveLength(20);
  expect(notify.waiting().get('chat')).toBe(20);
});

it('what fails is tried again in order, and the log says once that it fails and that it goes on', async () => {
  answers.chat = (attempt) => (attempt < 4 ? { outcome: 'retry', reason: 'answered 503' } : { outcome: 'sent' });
  const notify = start();
  notify.tell(event('trouble'));
  notify.tell(event('well'));
  await settled(notify, 'chat', 2);
  expect(arrived.filter((one) => one.startsWith('chat'))).toEqual([
    'chat node-silent tokyo-1 trouble',
    'chat node-silent tokyo-1 well',
  ]);
  expect(counts).toMatchObject({ 'chat retried': 3, 'chat sent': 2 });
  expect(warnings.map(({ message }) => message)).toEqual(['the channel does not take messages']);
});

it('a channel that says when is not asked before', async () => {
  const askedMs: number[] = [];
  answers.chat = (attempt) => {
    askedMs.push(performance.now());
    return attempt === 1 ? { outcome: 'retry', reason: 'answered 429', afterMs: 300 } : { outcome: 'sent' };
  };
  const notify = start();
  notify.tell(event('trouble'));
  await settled(notify, 'chat', 1);
  expect(askedMs[1]! - askedMs[0]!).toBeGreaterThanOrEqual(299);
});

it('what is refused is dropped, with its reason, and the next one is sent', async () => {
  answers.chat = (attempt) => (attempt === 1 ? { outcome: 'refused', reason: 'answered 400' } : { outcome: 'sent' });
  const notify = start();
  notify.tell(event('trouble'));
  notify.tell(event('well'));
  await settled(notify, 'chat', 2);
  expect(arrived.filter((one) => one.startsWith('chat'))).toEqual(['chat node-silent tokyo-1 well']);
  expect(counts).toMatchObject({ 'chat dropped': 1, 'chat sent': 1 });
  expect(warnings[0]!.fields).toMatchObject({ channel: 'chat', subject: 'tokyo-1', reason: 'answered 400' });
});

it('after a day it is given up, and what is newer is not', async () => {
  answers.chat = () => ({ outcome: 'retry', reason: 'answered 503' });
  const notify = start();
  notify.tell(event('trouble'));
  await expect.poll(() => counts['chat retried'] ?? 0).toBeGreaterThan(1);
  nowMs += TRIED_MS_MAX - 1;
  notify.tell(event('well'));
  await expect.poll(() => notify.waiting().get('chat')).toBe(2);
  expect(counts['chat dropped']).toBeUndefined();
  nowMs += 1;
  await expect.poll(() => counts['chat dropped'] ?? 0).toBe(1);
  answers = {};
  await settled(notify, 'chat', 2);
  expect(arrived.filter((one) => one.startsWith('chat'))).toEqual(['chat node-silent tokyo-1 well']);
});

it('a dead channel is bounded: the oldest are dropped, and counted', async () => {
  answers.chat = () => ({ outcome: 'retry', reason: 'x', afterMs: 3600_000 });
  const notify = start();
  for (let at = 0; at < WAITING_MAX + 30; at += 1) notify.tell(event('trouble', `edge-${at}`));
  await expect.poll(() => arrived.length).toBe(WAITING_MAX + 30);
  expect(notify.waiting().get('chat')).toBe(WAITING_MAX);
  expect(counts['chat dropped']).toBe(30);
  expect(await store.keptWaiting()).toHaveLength(WAITING_MAX);
});

it('after a restart nothing is told twice, and what ended meanwhile is told', async () => {
  let notify = start();
  notify.tell(event('trouble'));
  notify.tell(event('trouble', 'osaka-1'));
  await expect.poll(() => arrived.length).toBe(4);
  await expect.poll(() => store.keptWaiting()).toEqual([]);
  notify = await restart();
  notify.tell(event('trouble'));
  notify.tell(event('well', 'osaka-1'));
  notify.tell(event('well', 'kyoto-1'));
  await expect.poll(() => arrived.length).toBe(6);
  await settled(notify, 'chat', 3);
  expect(arrived.slice(4).toSorted()).toEqual(['chat node-silent osaka-1 well', 'mail node-silent osaka-1 well']);
});

it('what waited for a dead channel when the power failed is sent afterwards, under the same id', async () => {
  answers.chat = () => ({ outcome: 'retry', reason: 'answered 503' });
  start().tell(event('trouble'));
  await expect.poll(() => counts['chat retried'] ?? 0).toBeGreaterThan(0);
  await expect.poll(() => arrived.length).toBe(1);
  answers = {};
  store.faults.forgetsDrops = true;
  await restart();
  await expect.poll(() => arrived.length).toBe(3);
  // The mail came twice, because the store forgot that it was sent: who gets it can tell.
  expect(new Set(ids)).toHaveProperty('size', 2);
});

it('a store that is away costs the memory, not the messages', async () => {
  store.faults.isAway = true;
  const notify = start();
  notify.tell(event('trouble'));
  notify.tell(event('well'));
  await expect.poll(() => arrived.length).toBe(4);
  expect(warnings.map(({ message }) => message)).toEqual(['what operators were told is not kept']);
});

it('until kokoa.yaml was read everything waits, and nothing that waits is taken for a channel that is gone', async () => {
  answers.chat = () => ({ outcome: 'retry', reason: 'answered 503' });
  start().tell(event('trouble'));
  await expect.poll(() => counts['chat retried'] ?? 0).toBeGreaterThan(0);
  const before = channels;
  channels = undefined;
  answers = {};
  arrived = [];
  const notify = await restart();
  notify.tell(event('trouble', 'osaka-1'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(arrived).toEqual([]);
  channels = before;
  await expect
    .poll(() => arrived.toSorted())
    .toEqual([
      'chat node-silent osaka-1 trouble',
      'chat node-silent tokyo-1 trouble',
      'mail node-silent osaka-1 trouble',
    ]);
});

it('what waits for a channel that was taken out of kokoa.yaml is dropped', async () => {
  answers.chat = () => ({ outcome: 'retry', reason: 'answered 503' });
  const notify = start();
  notify.tell(event('trouble'));
  await expect.poll(() => counts['chat retried'] ?? 0).toBeGreaterThan(0);
  channels = [channel('mail')];
  await settled(notify, 'chat', 1);
  expect(counts['chat dropped']).toBe(1);
  expect(await store.keptWaiting()).toEqual([]);
});

it('what flaps is told when it keeps still, without another event', async () => {
  channels = [channel('chat')];
  const notify = start();
  for (const state of ['trouble', 'well', 'trouble', 'well', 'trouble', 'well', 'trouble', 'well'] as const)
    notify.tell(event(state));
  await expect.poll(() => arrived).toHaveLength(5);
  expect(arrived.at(-1)).toBe('chat node-silent tokyo-1 flaps trouble');
  nowMs += DAY_MS;
  await expect.poll(() => arrived.at(-1)).toBe('chat node-silent tokyo-1 well');
  expect(arrived).toHaveLength(6);
});

it('damaged notices are forgotten alone', async () => {
  await store.keepNotice({
    topic: { key: 'node-silent\ntokyo-1', text: '{"damaged' },
    forget: [],
    waiting: [{ channel: 'chat', id: 'x', text: 'null' }],
  });
  const notify = start();
  notify.tell(event('trouble'));
  await expect.poll(() => arrived.length).toBe(2);
  await expect.poll(() => store.keptWaiting()).toEqual([]);
});

it('a channel that throws is one that failed', async () => {
  answers.chat = (attempt) => {
    if (attempt === 1) throw new Error('canary');
    return { outcome: 'sent' };
  };
  const notify = start();
  notify.tell(event('trouble'));
  await settled(notify, 'chat', 1);
  expect(counts).toMatchObject({ 'chat retried': 1, 'chat sent': 1 });
  expect(JSON.stringify(warnings)).not.toContain('canary');
});
