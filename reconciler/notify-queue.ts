// What waits for one channel, sent one after the other. Law: it is bounded, in order, and ends: what cannot be sent within a day, and what the
// channel refuses, is dropped, counted and logged, never silently.
import type { Waiting } from './core/notify/kept-texts.ts';
import type { KeptNotices } from './ports/kept-notices.ts';
import type { Notifier, Sent } from './ports/notifier.ts';

export const WAITING_MAX = 200;
export const TRIED_MS_MAX = 24 * 3600_000;
const PAUSE_MS_MIN = 2_000;
const PAUSE_MS_MAX = 900_000;

export type SendResult = 'sent' | 'retried' | 'dropped';

export interface QueueDeps {
  /** Undefined: kokoa.yaml has no such channel any more. */
  notifier(channel: string): Promise<Notifier | { problem: string } | undefined>;
  store: Pick<KeptNotices, 'dropWaiting'>;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** What became of one attempt. `channel` is empty where nobody got so far as to ask who wants it. */
  counted(channel: string, result: SendResult): void;
  /** ms since the epoch. */
  now(): number;
  signal: AbortSignal;
  /** First pause after a failure; it doubles. */
  pauseMsMin?: number;
}

export interface ChannelQueue {
  readonly length: number;
  add(waiting: Waiting): void;
  /** Resolves when nothing is being sent; what waits, waits. */
  idle(): Promise<void>;
}

export function createChannelQueue(channel: string, deps: QueueDeps): ChannelQueue {
  const { log, counted, now, signal, pauseMsMin = PAUSE_MS_MIN } = deps;
  const queue: Waiting[] = [];
  let working: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;

  async function forget(gone: readonly Waiting[]): Promise<void> {
    // A store that fails now has it still at the next start: it is sent once more, under the same id.
    await deps.store.dropWaiting(gone.map(({ notice }) => ({ channel, id: notice.id }))).catch(() => undefined);
  }

  function drop(waiting: Waiting, reason: string): void {
    const { kind, subject, state } = waiting.notice.event;
    counted(channel, 'dropped');
    log.warn({ channel, kind, subject, state, reason }, 'operators are not told: a message is dropped');
  }

  async function attempt({ notice }: Waiting): Promise<Sent | 'gone'> {
    const notifier = await deps.notifier(channel);
    if (notifier === undefined) return 'gone';
    if ('problem' in notifier) return { outcome: 'retry', reason: notifier.problem };
    return notifier.send(notice, signal);
  }

  async function work(): Promise<void> {
    while (!signal.aborted && timer === undefined) {
      const first = queue[0];
      if (first === undefined) return;
      const sent = await attempt(first).catch((): Sent => ({ outcome: 'retry', reason: 'the channel failed' }));
      // What is cut off by the end of the process waits for the next start.
      if (signal.aborted && sent !== 'gone' && sent.outcome !== 'sent') return;
      if (sent !== 'gone' && sent.outcome === 'retry') {
        retryLater(first, sent);
        if (queue[0] === first) continue;
      } else if (sent === 'gone') drop(first, 'kokoa.yaml has no such channel any more');
      else if (sent.outcome === 'refused') drop(first, sent.reason);
      else {
        counted(channel, 'sent');
        if (failures > 0) log.info({ channel }, 'the channel takes messages again');
        failures = 0;
      }
      if (queue[0] === first) queue.shift();
      await forget([first]);
    }
  }

  /** Takes it out when its day is over. */
  function retryLater(first: Waiting, { reason, afterMs }: Sent & { outcome: 'retry' }): void {
    failures += 1;
    if (failures === 1) log.warn({ channel, reason, waiting: queue.length }, 'the channel does not take messages');
    const growing = Math.min(PAUSE_MS_MAX, pauseMsMin * 2 ** Math.min(failures - 1, 20));
    timer = setTimeout(goOn, Math.max(afterMs ?? 0, growing));
    timer.unref();
    // A clock that was set back must not give it more than a day from now.
    first.sinceMs = Math.min(first.sinceMs, now());
    if (now() - first.sinceMs < TRIED_MS_MAX) counted(channel, 'retried');
    else if (queue[0] === first) drop(queue.shift()!, `not sent within a day: ${reason}`);
  }

  function goOn(): void {
    timer = undefined;
    begin();
  }

  function begin(): void {
    if (working !== undefined || timer !== undefined || signal.aborted) return;
    working = work().finally(() => {
      working = undefined;
      // Something may have come between the last look and now.
      if (queue.length > 0) begin();
    });
  }

  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });

  return {
    get length() {
      return queue.length;
    },
    add(waiting) {
      queue.push(waiting);
      if (queue.length > WAITING_MAX) {
        // The first one is perhaps on its way.
        const [oldest] = queue.splice(1, 1);
        drop(oldest!, `more than ${WAITING_MAX} messages wait`);
        void forget([oldest!]);
      }
      begin();
    },
    async idle() {
      await working;
    },
  };
}
