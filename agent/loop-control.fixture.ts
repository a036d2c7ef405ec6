// A control plane in memory for tests of the loop: it offers what it is told to, waits as a long poll does, and remembers what was
// reported. It can be told to answer anything else.
import type { BundleResponse, StatusAnswer, StatusReport } from '../bundle/api.ts';
import type { ControlPlane, Offer, OfferQuery } from './ports/control-plane.ts';

export type FakeControl = ReturnType<typeof createFakeControl>;

export function createFakeControl() {
  const queries: OfferQuery[] = [];
  const reports: StatusReport[] = [];
  let offered: { bundle: BundleResponse; etag: string } | undefined;
  let count = 0;
  let wake = Promise.withResolvers<void>();
  /** What is answered instead, as long as it stands here. */
  const instead: { offer?: () => Promise<Offer>; report?: () => ReturnType<ControlPlane['report']> } = {};
  const answer: StatusAnswer = { bound: true };
  /** What its clock says, when it says something. */
  const clock: { ms?: number } = {};

  const control: Pick<ControlPlane, 'offer' | 'report' | 'serverTime'> = {
    serverTime: () => (clock.ms === undefined ? undefined : { ms: clock.ms, ageMs: 0 }),
    async offer(query, signal) {
      queries.push(query);
      const waits = !instead.offer && query.waitSeconds > 0 && offered?.etag === query.etag;
      if (waits) await settled(wake.promise, query.waitSeconds * 1000, signal);
      if (signal?.aborted) return { kind: 'unreachable', message: 'stopped', retryAfterMs: 5_000 };
      if (instead.offer) return instead.offer();
      return offered && offered.etag !== query.etag ? { kind: 'bundle', ...offered } : { kind: 'unchanged' };
    },
    async report(status) {
      reports.push(structuredClone(status));
      return instead.report ? instead.report() : { kind: 'answered', answer };
    },
  };

  function rouse(): void {
    wake.resolve();
    wake = Promise.withResolvers();
  }

  return {
    control: control as ControlPlane,
    ...{ queries, reports, instead, answer, clock, rouse },
    /** Publishes, and wakes who waits. */
    publish(bundle: BundleResponse): void {
      count += 1;
      offered = { bundle, etag: `"${count}"` };
      rouse();
    },
  };
}

/** Resolves with `promise`, after `ms`, or on abort. */
export function settled(promise: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    promise.then(end);
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}
