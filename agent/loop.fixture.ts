// A control plane in memory for tests of the loop: it offers what it is told to, waits as a long poll does, and remembers what was
// reported. It can be told to answer anything else.
import type { BundleResponse, StatusAnswer, StatusReport, VisitorAnswer } from '../bundle/api.ts';
import type { Agent } from './agent.ts';
import type { Certificates } from './certificates.ts';
import type { Log } from './news.ts';
import type { FakeNode } from './node.fixture.ts';
import type { Pace } from './pace.ts';
import type { ControlPlane, Offer, OfferQuery } from './ports/control-plane.ts';
import type { KeptStanding } from './ports/standing-store.ts';

/** Everything soon. */
export const HURRY: Pace = {
  pollSeconds: 1,
  idleMs: 20,
  retryMs: 2,
  retryMsMax: 20,
  heartbeatMs: 60,
  revisionMs: 5,
  watchMs: 10,
  filesEvery: 3,
  againMs: 30,
  againMsMax: 60,
  stopMs: 100,
};

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

export interface LogLine {
  level: 'info' | 'warn';
  message: string;
  fields: Record<string, unknown>;
}

export function createFakeAgent(node: FakeNode, { control }: FakeControl, pace: Partial<Pace> = {}) {
  const lines: LogLine[] = [];
  const write = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } });
  };
  const log: Log = { info: write('info'), warn: write('warn') };
  const certificates = {
    configured: [] as number[],
    running: false,
    quarantined: [] as { hostname: string; reason: string }[],
    broken: [] as { hostname: string; reason: string }[],
  };
  const users = { configured: [] as number[], quarantined: [] as { hostname: string; reason: string }[] };
  const visits = { configured: [] as [hosts: number, isStart: boolean][], answers: [] as VisitorAnswer[] };
  const announced = { revision: 0 };
  const urls: string[] = [];
  const kept: KeptStanding[] = [];
  const fake: Certificates = {
    configure: (_config, chunks) => void certificates.configured.push(chunks.flatMap(({ routes }) => routes).length),
    async run(signal) {
      certificates.running = true;
      await settled(new Promise(() => undefined), 60_000, signal);
    },
    status: () => ({ certificates: [], quarantined: certificates.quarantined }),
    holds: () => true,
    broken: () => certificates.broken,
  };
  const agent: Agent = {
    version: '0.0.0',
    machine: node.machine,
    control,
    certificates: fake,
    users: {
      configure: (chunks) => void users.configured.push(chunks.flatMap(({ routes }) => routes).length),
      run: (signal) => settled(new Promise(() => undefined), 60_000, signal).then(() => undefined),
      status: () => ({ quarantined: users.quarantined }),
    },
    visits: {
      configure: (chunks, isStart) =>
        void visits.configured.push([chunks.flatMap(({ routes }) => routes).length, isStart]),
      run: (signal) => settled(new Promise(() => undefined), 60_000, signal).then(() => undefined),
      answers: () => visits.answers,
    },
    standing: {
      read: async () => kept.at(-1),
      write: async (standing) => void kept.push(structuredClone(standing)),
    },
    enrolment: async () => ({ wireguardPublicKey: 'w', signingKey: 's', formats: [1] }),
    controlPlaneAt: (found) => void urls.push(...found),
    revision: () => JSON.stringify([announced, certificates.quarantined, users.quarantined, visits.answers]),
    log,
    pace: { ...HURRY, ...pace },
  };
  return { agent, lines, certificates, users, visits, announced, urls, kept };
}

/** Waits until `found` answers something; fails after 3 s with what it was. */
export async function until<T>(what: string, found: () => T | undefined | false): Promise<T> {
  const deadline = performance.now() + 3_000;
  for (;;) {
    const value = found();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within 3 s: ${what}`);
    await settled(new Promise(() => undefined), 2);
  }
}

function settled(promise: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<void> {
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
