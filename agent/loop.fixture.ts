// A node at work in memory, for tests of the loop: the real loop and convergence, around a machine and a control plane that can be told
// to fail.
import { afterEach, beforeEach } from 'vitest';
import type { BackendView, PeerView, StatusReport, VisitorAnswer } from '../bundle/api.ts';
import type { Agent } from './agent.ts';
import type { Certificates } from './certificates.ts';
import { followControlPlane } from './loop.ts';
import { createFakeControl, type FakeControl, settled } from './loop-control.fixture.ts';
import type { Log } from './news.ts';
import { createFakeNode, type FakeNode } from './node.fixture.ts';
import type { Pace } from './pace.ts';
import type { FailingBackend, KeptStanding } from './ports/standing-store.ts';

export interface Loop {
  node: FakeNode;
  plane: FakeControl;
  /** Runs an agent that `change` may change first. */
  start(pace?: Partial<Pace>, change?: (made: FakeAgent) => void): FakeAgent;
  /** Ends it; another one may be started. */
  stop(): Promise<void>;
  lastReport(): StatusReport;
  /** The newest report, once it says this state. */
  reported(state: string): Promise<StatusReport>;
}

/** A node and its control plane, new for each test of the file, and stopped after it. `prepare`: before the agent is started. */
export function eachTestItsLoop(prepare: (loop: Loop) => void = () => undefined): Loop {
  let stop = new AbortController();
  let ended = Promise.resolve();
  const loop: Omit<Loop, 'node' | 'plane'> & Partial<Loop> = {
    start(pace, change) {
      const made = createFakeAgent(loop.node!, loop.plane!, pace);
      change?.(made);
      stop = new AbortController();
      ended = followControlPlane(made.agent, stop.signal);
      return made;
    },
    async stop() {
      stop.abort();
      await ended;
    },
    lastReport: () => loop.plane!.reports.at(-1)!,
    reported: (state) => until(`${state} is reported`, () => loop.lastReport()?.state === state && loop.lastReport()),
  };
  beforeEach(async () => {
    loop.node = await createFakeNode();
    loop.plane = createFakeControl();
    prepare(loop as Loop);
  });
  afterEach(loop.stop);
  return loop as Loop;
}

/** Everything soon. */
const HURRY: Pace = {
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

export interface LogLine {
  level: 'info' | 'warn';
  message: string;
  fields: Record<string, unknown>;
}

export type FakeAgent = ReturnType<typeof createFakeAgent>;

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
    unobtained: [] as { hostname: string; reason: string }[],
  };
  const users = { configured: [] as number[], quarantined: [] as { hostname: string; reason: string }[] };
  const visits = { configured: [] as [hosts: number, isStart: boolean][], answers: [] as VisitorAnswer[] };
  const checks = { configured: [] as number[], views: [] as PeerView[], unheard: 0 };
  const announced = { revision: 0 };
  const urls: string[] = [];
  const backends = { views: [] as BackendView[], failing: [] as FailingBackend[] };
  const kept: KeptStanding[] = [];
  const fake: Certificates = {
    configure: (_config, chunks) => void certificates.configured.push(chunks.flatMap(({ routes }) => routes).length),
    async run(signal) {
      certificates.running = true;
      await settled(new Promise(() => undefined), 60_000, signal);
    },
    status: () => ({ certificates: [], quarantined: certificates.quarantined }),
    holds: () => true,
    isHeld: () => true,
    heldRevision: () => '',
    broken: () => certificates.broken,
    unobtained: () => certificates.unobtained,
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
    scriptChecks: {
      configure: () => undefined,
      run: (signal) => settled(new Promise(() => undefined), 60_000, signal).then(() => undefined),
    },
    backendChecks: {
      configure: () => undefined,
      run: (signal) => settled(new Promise(() => undefined), 60_000, signal).then(() => undefined),
      views: () => backends.views,
    },
    failedRequests: {
      run: (signal) => settled(new Promise(() => undefined), 60_000, signal).then(() => undefined),
      failing: () => backends.failing,
    },
    peerChecks: {
      configure: ({ edge }) => void checks.configured.push(edge.checks?.length ?? 0),
      run: (signal) => settled(new Promise(() => undefined), 60_000, signal).then(() => undefined),
      views: () => checks.views,
      unheard: () => {
        checks.unheard += 1;
      },
    },
    standing: {
      read: async () => kept.at(-1),
      write: async (standing) => void kept.push(structuredClone(standing)),
    },
    enrolment: async () => ({ wireguardPublicKey: 'w', signingKey: 's', formats: [1] }),
    controlPlaneAt: (found) => void urls.push(...found),
    revision: () =>
      JSON.stringify([
        announced,
        certificates.quarantined,
        users.quarantined,
        visits.answers,
        checks.views,
        backends.views,
      ]),
    log,
    pace: { ...HURRY, ...pace },
  };
  const warnings = () => lines.filter(({ level }) => level === 'warn');
  return { agent, lines, warnings, certificates, users, visits, checks, backends, announced, urls, kept };
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
