// What was told, in memory, and a power that can fail: what was not kept in time is gone.
import type { KeptNotices, KeptTopicText, KeptWaitingText } from '../../reconciler/ports/kept-notices.ts';

export interface MemoryNotices extends KeptNotices {
  faults: {
    /** Every call fails. */
    isAway?: boolean;
    /** Notices that were dropped come back with the power: dropping need not be durable. */
    forgetsDrops?: boolean;
  };
  /** The same disk after the power came back. */
  afterPowerLoss(): MemoryNotices;
}

export function createMemoryNotices(before?: { topics: KeptTopicText[]; waiting: KeptWaitingText[] }): MemoryNotices {
  const topics = new Map((before?.topics ?? []).map((topic) => [topic.key, topic]));
  let waiting = [...(before?.waiting ?? [])];
  let everKept = [...waiting];
  const notices: MemoryNotices = {
    faults: {},
    async keptTopics() {
      checkPower();
      return [...topics.values()];
    },
    async keptWaiting() {
      checkPower();
      return [...waiting];
    },
    async keepNotice({ topic, forget, waiting: more }) {
      checkPower();
      topics.set(topic.key, topic);
      for (const key of forget) topics.delete(key);
      waiting = [...waiting, ...more];
      everKept = [...everKept, ...more];
    },
    async dropWaiting(gone) {
      checkPower();
      waiting = waiting.filter((one) => !gone.some(({ channel, id }) => one.channel === channel && one.id === id));
    },
    afterPowerLoss() {
      const onDisk = notices.faults.forgetsDrops ? everKept : waiting;
      // Whoever held the old one writes into nothing.
      notices.faults = { isAway: true };
      return createMemoryNotices({ topics: [...topics.values()], waiting: [...onDisk] });
    },
  };
  function checkPower(): void {
    if (notices.faults.isAway) throw new Error('the store is away');
  }
  return notices;
}
