// What Prometheus may know of what operators are told: how much of it arrives, by channel. Channels are those of kokoa.yaml, so they are few.
import { Counter, Gauge, type Registry } from '@prometheus-io/client';

export interface NoticeMetrics {
  /** What became of one attempt: sent, retried, dropped. */
  counted(channel: string, result: string): void;
  /** Read when somebody scrapes: how many messages wait, by channel. */
  observeWaiting(waiting: () => ReadonlyMap<string, number>): void;
}

export function createNoticeMetrics(registry: Registry): NoticeMetrics {
  const registers = [registry];
  let waiting: () => ReadonlyMap<string, number> = () => new Map();
  const notices = new Counter({
    name: 'kokoa_notices_total',
    help: 'Messages to operators, by channel and by what became of an attempt to send one.',
    labelNames: ['channel', 'result'],
    registers,
  });
  new Gauge({
    name: 'kokoa_notices_waiting',
    help: 'Messages to operators that wait to be sent, by channel.',
    labelNames: ['channel'],
    registers,
    collect() {
      this.reset();
      for (const [channel, count] of waiting()) this.set({ channel }, count);
    },
  });
  return {
    counted: (channel, result) => notices.inc({ channel, result }),
    observeWaiting(read) {
      waiting = read;
    },
  };
}
