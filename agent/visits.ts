// Asks this edge's own web server for the hostnames that changed, as a visitor would, and remembers what came. Laws: nobody waits for
// it, nothing but the node's own listener is asked, and what is reported is never older than the configuration that is applied.
import type { VisitorAnswer } from '../bundle/api.ts';
import type { Chunk } from '../bundle/config.ts';
import { createBell } from './bell.ts';
import {
  answered,
  followed,
  planVisits,
  resumed,
  type Visit,
  type Visited,
  withoutCertificate,
} from './core/visit-plan.ts';
import { createNews, type Log } from './news.ts';
import type { KeptVisit, VisitsStore } from './ports/visits-store.ts';

export interface VisitsParts {
  /** `GET /` of a hostname, at the node's own listener. Bounded; never throws. */
  ask(hostname: string): Promise<Visited>;
  /** @see VisitSituation */
  holds(hostname: string): boolean | undefined;
  store: Pick<VisitsStore, 'write'>;
  /** What an earlier run wrote. */
  kept: readonly KeptVisit[];
  log: Log;
  /** ms since the epoch. */
  now(): number;
}

export interface Visits {
  /** The routes that are served now. `isStart`: they were served before the agent started, so nothing of them is new. Cheap. */
  configure(chunks: readonly Chunk[], isStart: boolean): void;
  /** Asks until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** As a report has them. */
  answers(): VisitorAnswer[];
  /** Differs when the answers do, a moment later. */
  revision(): number;
}

/** Many answers in a short time are one change. */
const TOLD_EVERY_MS = 500;
const IDLE_MS = 60_000;

export function createVisits({ ask, holds, store, kept, log, now }: VisitsParts): Visits {
  const bell = createBell();
  const news = createNews(log);
  const inFlight = new Set<string>();
  let visits: readonly Visit[] = [];
  let [known, wanted]: (readonly Chunk[])[] = [[], []];
  let revision = 0;
  let [told, stored] = ['[]', JSON.stringify(kept)];
  let toldMs = Number.NEGATIVE_INFINITY;

  /** Compared when somebody wants to know, and not while a change is being made. */
  function catchUp(): readonly Visit[] {
    if (known !== wanted) visits = followed(visits, known!, wanted!, performance.now());
    known = wanted;
    return visits;
  }

  const answers = () => catchUp().flatMap(({ answer }) => answer ?? []);

  /** False: its route has changed meanwhile, and this answer is of the old one. */
  function replace(before: Visit, after: Visit): boolean {
    if (!visits.includes(before)) return false;
    visits = visits.map((visit) => (visit === before ? after : visit));
    return true;
  }

  function note(before: Visit, after: Visit): void {
    const { status, failure } = after.answer!;
    if (before.answer?.status === status && before.answer?.failure === failure) return;
    if (failure === undefined) log.info({ hostname: after.hostname, status }, 'a hostname answers');
    else log.warn({ hostname: after.hostname, failure }, 'a hostname does not answer');
  }

  async function visit(one: Visit): Promise<void> {
    inFlight.add(one.hostname);
    const visited = await ask(one.hostname);
    inFlight.delete(one.hostname);
    catchUp();
    const after = answered(one, visited, { nowMs: performance.now(), date: dateOf(now()) });
    if (replace(one, after)) note(one, after);
    bell.ring();
  }

  /** Lets the report and the disk know, at most every half second. Answers when it may again. */
  async function tell(): Promise<number> {
    const text = JSON.stringify(answers());
    const mayMs = toldMs + TOLD_EVERY_MS;
    if (text !== told && inFlight.size > 0 && performance.now() < mayMs) return mayMs;
    if (text !== told) {
      [told, toldMs] = [text, performance.now()];
      revision += 1;
    }
    await keep();
    return Number.POSITIVE_INFINITY;
  }

  async function keep(): Promise<void> {
    const list = catchUp().map(({ hostname, route, answer }) => ({ hostname, route, ...(answer && { answer }) }));
    const text = JSON.stringify(list);
    if (text === stored) return;
    try {
      await store.write(list);
      stored = text;
      news.over('answers', 'answers are kept again');
    } catch (error) {
      news.trouble(
        'answers',
        'unwritable',
        { reason: (error as Error).message },
        'answers cannot be kept for a restart',
      );
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nowMs = performance.now();
      const plan = planVisits({ visits: catchUp(), inFlight, holds, nowMs });
      for (const one of plan.refused) replace(one, withoutCertificate(one, dateOf(now())));
      for (const one of plan.ask) void visit(one);
      const wakeMs = Math.min(await tell(), plan.wakeAtMs ?? nowMs + IDLE_MS);
      await bell.wait(wakeMs - performance.now(), signal);
    }
    await keep();
  }

  return {
    configure(chunks, isStart) {
      if (isStart) visits = resumed(kept, chunks, performance.now());
      wanted = chunks;
      if (isStart) known = wanted;
      bell.ring();
    },
    run,
    answers,
    revision: () => revision,
  };
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}
