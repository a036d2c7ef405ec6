// Operators are told what changed. Laws: whoever tells something never waits and never fails by it; a channel that is dead delays no other;
// what waits is bounded, is tried again with pauses that grow, for a day at most; and what was told, and what waits, outlives a restart.
import type { NotifyChannel } from '../schemas/types.ts';
import type { NotifyEvent } from './core/notify/event.ts';
import { readTopic, readWaiting, topicText, waitingText } from './core/notify/kept-texts.ts';
import { type Paced, paceEvent, settleTopic, type Topic, topicKey, topicsToForget } from './core/notify/pace.ts';
import { type ChannelQueue, createChannelQueue, type QueueDeps } from './notify-queue.ts';
import type { KeptNotices, KeptWaitingText } from './ports/kept-notices.ts';
import type { Notifier } from './ports/notifier.ts';

/** Events that were told and not yet looked at; the oldest are dropped. */
const INBOX_MAX = 5_000;
const SETTLE_MS = 60_000;
const CHANNELS_MS = 1_000;

export interface Notify {
  /** Of what is as it was, and of what is well and was never in trouble, nothing becomes of it: so all may be told anew at a start. */
  tell(event: NotifyEvent): void;
  /** Works until `signal` aborts; to be called once. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Channel → how many messages wait for it. */
  waiting(): ReadonlyMap<string, number>;
}

export interface NotifyDeps extends Omit<QueueDeps, 'signal' | 'notifier'> {
  /** As kokoa.yaml has them now; undefined until it was read: so long everything waits. */
  channels(): readonly NotifyChannel[] | undefined;
  notifier(channel: NotifyChannel): Promise<Notifier | { problem: string }>;
  store: KeptNotices;
  /** How often it is asked whether something keeps still that flapped; default a minute. */
  settleMs?: number;
}

export function createNotify(deps: NotifyDeps): Notify {
  const { channels, store, log, now, counted, settleMs = SETTLE_MS } = deps;
  const topics = new Map<string, Topic>();
  const queues = new Map<string, ChannelQueue>();
  const inbox: NotifyEvent[] = [];
  let wake: () => void = () => {};
  let isStoreAway = false;

  /** A store that fails costs what it is for: a restart may tell something twice, or not at all. Operators are told all the same. */
  async function kept(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      isStoreAway = false;
    } catch (error) {
      if (!isStoreAway) log.warn({ what, reason: String(error).slice(0, 300) }, 'what operators were told is not kept');
      isStoreAway = true;
    }
  }

  async function load(queueOf: (name: string) => ChannelQueue): Promise<void> {
    await kept('read', async () => {
      for (const { key, text } of await store.keptTopics()) {
        const topic = readTopic(text);
        if (topic !== undefined && topicKey(topic.last) === key) topics.set(key, topic);
      }
      const damaged: KeptWaitingText[] = [];
      for (const one of await store.keptWaiting()) {
        const waiting = readWaiting(one.text);
        if (waiting === undefined || waiting.notice.id !== one.id) damaged.push(one);
        else queueOf(one.channel).add(waiting);
      }
      if (damaged.length > 0) await store.dropWaiting(damaged);
    });
  }

  async function apply(key: string, { topic, notice }: Paced, queueOf: (name: string) => ChannelQueue): Promise<void> {
    if (topic === undefined) return;
    topics.set(key, topic);
    const forget = topicsToForget(topics);
    for (const one of forget) topics.delete(one);
    const waiting = notice && { notice, sinceMs: now() };
    const wanting = waiting === undefined ? [] : (channels() ?? []).filter((channel) => wants(channel, topic.last));
    const texts = wanting.map(({ name }) => ({ channel: name, id: notice!.id, text: waitingText(waiting!) }));
    // First kept, then sent: who is killed in between tells it at the next start.
    await kept('keep', () => store.keepNotice({ topic: { key, text: topicText(topic) }, forget, waiting: texts }));
    for (const { name } of wanting) queueOf(name).add(waiting!);
  }

  return {
    tell(event) {
      inbox.push(event);
      if (inbox.length > INBOX_MAX) {
        inbox.shift();
        counted('', 'dropped');
      }
      wake();
    },
    waiting: () => new Map([...queues].map(([name, queue]) => [name, queue.length])),
    async run(signal) {
      const queueOf = (name: string): ChannelQueue => {
        const queue = queues.get(name) ?? createChannelQueue(name, { ...deps, signal, notifier: notifierOf });
        queues.set(name, queue);
        return queue;
      };
      signal.addEventListener('abort', () => wake(), { once: true });
      while (channels() === undefined && !signal.aborted) await rest(CHANNELS_MS);
      if (!signal.aborted) await load(queueOf);
      let settledMs = now();
      while (!signal.aborted) {
        for (let event = inbox.shift(); event !== undefined; event = signal.aborted ? undefined : inbox.shift()) {
          const key = topicKey(event);
          await apply(key, paceEvent(topics.get(key), event, now()), queueOf);
        }
        if (Math.abs(now() - settledMs) >= settleMs) {
          settledMs = now();
          for (const [key, topic] of [...topics]) await apply(key, settleTopic(topic, now()), queueOf);
        }
        if (inbox.length === 0 && !signal.aborted) await rest(settleMs);
      }
      await Promise.all([...queues.values()].map((queue) => queue.idle()));
    },
  };

  /** Until something is told, the time is over, or all ends. */
  async function rest(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, ms);
      timer.unref();
    });
    clearTimeout(timer);
  }

  async function notifierOf(name: string): Promise<Notifier | { problem: string } | undefined> {
    const channel = channels()?.find((one) => one.name === name);
    return channel && deps.notifier(channel);
  }
}

function wants({ on }: NotifyChannel, { kind }: NotifyEvent): boolean {
  return on === undefined || on.includes(kind);
}
