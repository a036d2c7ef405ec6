// A web server takes changes in a row while visitors come: how long each takes until a new visitor sees it, what visitors lose, and what the web
// server and its agent hold at the start, in the middle and at the end.
import { setTimeout as delay } from 'node:timers/promises';
import type { Move } from './bench-changes-site.ts';
import type { Census, Subject } from './bench-changes-subject.ts';
import { type Place, VISIT_TIMEOUT_MS } from './bench-changes-tally.ts';
import { startCrowd, type VisitorsReport } from './bench-changes-visitors.ts';
import { epochMs } from './clock.ts';
import { probeUntil } from './probe-until.ts';

/** Before the first census: what grows in the first moments only is no growth. */
const WARM_UP_SHARE = 0.1;
const LOOK_EVERY_MS = 30;
const REST_MS_MAX = 20_000;
const REST_LOOK_EVERY_MS = 200;

export interface ChangesResult {
  readonly title: string;
  readonly keepsIdle: boolean;
  readonly changes: number;
  readonly seconds: number;
  /** ms of every change, by step; `live`: until a new visitor got the new answer. */
  readonly steps: Readonly<Record<string, readonly number[]>>;
  /** The most old workers seen after any change. */
  readonly oldWorkersMost: number;
  readonly start: Census;
  readonly middle: Census;
  readonly end: Census;
  /** When everybody has gone, and the last old workers with them. */
  readonly rest: Census;
  readonly visitors: VisitorsReport;
}

export interface ChangesOptions {
  readonly changes: number;
  /** What the two services call themselves, by index of the move. */
  readonly services: readonly [string, string];
}

/** @throws Error when a change was not taken, or no visitor sees it within 30 s */
export async function runChanges(subject: Subject, place: Place, options: ChangesOptions): Promise<ChangesResult> {
  const { changes } = options;
  const begun = performance.now();
  const crowd = await startCrowd(place);
  const taken = takeAll(subject, place, options);
  // Also when a change fails: nobody goes on asking.
  const visitors = await taken.then(crowd.end, crowd.end);
  const { steps, oldWorkersMost, censuses } = await taken;
  const rest = await atRest(subject);
  const [start, middle, end] = censuses as [Census, Census, Census];
  const seconds = (performance.now() - begun) / 1_000;
  const { title, keepsIdle } = subject;
  return { title, keepsIdle, changes, seconds, steps, oldWorkersMost, start, middle, end, rest, visitors };
}

async function takeAll(subject: Subject, place: Place, { changes, services }: ChangesOptions) {
  const marks = [Math.ceil(changes * WARM_UP_SHARE), Math.ceil(changes / 2), changes];
  const steps: Record<string, number[]> = {};
  const censuses: Census[] = [];
  let oldWorkersMost = 0;
  for (let count = 1; count <= changes; count += 1) {
    const move = subject.prepare();
    const started = epochMs();
    const [at, taken] = await Promise.all([seenAt(move, place, services), subject.apply()]);
    for (const [step, ms] of Object.entries({ ...taken, live: at - started }))
      steps[step] = [...(steps[step] ?? []), ms];
    const census = await subject.census();
    oldWorkersMost = Math.max(oldWorkersMost, census.oldWorkers);
    for (const mark of marks) if (mark === count) censuses.push(census);
  }
  return { steps, oldWorkersMost, censuses };
}

/** An nginx that keeps idle connections lets them go after 10 s. */
async function atRest(subject: Subject): Promise<Census> {
  const deadline = performance.now() + REST_MS_MAX;
  for (;;) {
    const census = await subject.census();
    if (census.oldWorkers === 0 || performance.now() > deadline) return census;
    await delay(REST_LOOK_EVERY_MS);
  }
}

/** When a new visitor was answered by the service that the hostname moved to, ms since the epoch. */
async function seenAt({ hostname, backend }: Move, { port, ca }: Place, services: readonly [string, string]) {
  const headers = { accept: 'text/plain' };
  const target = { hostname, port, ca, address: '127.0.0.1', headers, timeoutMs: VISIT_TIMEOUT_MS };
  const expect = { status: 200, verified: true, bodyIncludes: `${services[backend]} ` };
  const seen = await probeUntil(target, expect, { timeoutMs: VISIT_TIMEOUT_MS, everyMs: LOOK_EVERY_MS });
  if (seen.kind === 'timeout')
    throw new Error(`no visitor of ${hostname} meets ${services[backend]}: ${JSON.stringify(seen.last)}`);
  return seen.at;
}
