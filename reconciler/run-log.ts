// What the log says of runs: every change once, with the reason and what to do. A state that lasts is not repeated at every poll.
import { KokoaError } from '../bundle/error.ts';
import type { Log } from './adapters/log.ts';
import type { Plan } from './core/plan.ts';
import type { Problem } from './core/problem.ts';
import type { Outcome } from './reconcile.ts';
import { sayRollout } from './rollout-log.ts';
import type { Standing } from './standing.ts';

export interface RunLog {
  /** `ms`: the duration of each step. */
  ran(outcome: Outcome, ms: Record<string, number>): void;
  failed(error: unknown): void;
}

/** A failure that goes on is said again this often. */
const REMIND_MS = 10 * 60_000;
/** Lines about one kind of thing after one run. */
const LINES_MAX = 20;

export function createRunLog(log: Log, clock: () => Date): RunLog {
  let failure: { text: string; saidMs: number } | undefined;
  let held: string | undefined;
  let quarantined: Standing['quarantined'] = new Map();

  function failed(error: unknown): void {
    const text = error instanceof KokoaError ? `${error.code} ${error.message}` : String(error);
    const nowMs = clock().getTime();
    if (failure?.text === text && nowMs - failure.saidMs < REMIND_MS) return;
    failure = { text, saidMs: nowMs };
    if (!(error instanceof KokoaError)) log.error({ error }, 'a run failed unexpectedly; what is published stays');
    else
      log.error(
        { code: error.code, reason: error.message, todo: error.hint ?? 'nothing: it is tried again' },
        'a run failed; what is published stays',
      );
  }

  function sayHold({ hold, head }: Standing): void {
    const text = hold && `${hold.reason} ${hold.message}`;
    if (text === held) return;
    held = text;
    if (!hold) {
      log.info({}, 'nothing is held back any more');
      return;
    }
    const { commit, reason, message, refused } = hold;
    const [todo] = hold.hint.split('\n');
    const override = refused && `guards: {override: {plan: ${refused.plan}, base: ${refused.base}, reason: why}}`;
    log.warn(
      { commit, why: reason, reason: message, todo, ...(override && { override }) },
      head
        ? 'the newest commit is held back; what is live stays, only restrictions take effect'
        : 'the newest commit is held back; nothing is published yet',
    );
    // The first one is the message.
    sayProblems(hold.problems.slice(1), 'and this is wrong');
  }

  function sayProblems(problems: readonly Problem[], message: string): void {
    for (const { file, line, column, rule, message: reason, hint } of problems.slice(0, LINES_MAX))
      log.warn({ at: `${file}:${line}:${column}`, rule, reason, todo: hint }, message);
    if (problems.length > LINES_MAX)
      log.warn({ more: problems.length - LINES_MAX, todo: 'kokoa validate lists them all' }, message);
  }

  function sayQuarantine(next: Standing['quarantined']): void {
    const before = quarantined;
    quarantined = next;
    const said = (problems: readonly Problem[] | undefined) => problems?.[0] && JSON.stringify(problems[0]);
    const fresh = [...next].filter(([file, problems]) => said(before.get(file)) !== said(problems));
    sayProblems(
      fresh.flatMap(([, problems]) => problems[0] ?? []),
      'a route file is quarantined: its last good version is served, if it has one',
    );
    const over = [...before.keys()].filter((file) => !next.has(file));
    if (over.length > 0) log.info({ files: over.slice(0, LINES_MAX), count: over.length }, 'no longer quarantined');
  }

  /** Whoever was connected is cut off, and no page says why. */
  function sayClosed(removed: Plan['streams']['removed']): void {
    if (removed.length === 0) return;
    const ports = removed.slice(0, LINES_MAX).map(({ name, from }) => `${name} (${from.pool})`);
    log.warn({ ports, count: removed.length }, 'public ports are closed');
  }

  function ran(outcome: Outcome, ms: Record<string, number>): void {
    const { kind, standing, plan, changed, removed, unfetched } = outcome;
    if (unfetched !== undefined) failed(unfetched);
    else if (failure) {
      failure = undefined;
      log.info({}, 'runs succeed again');
    }
    sayHold(standing);
    sayQuarantine(standing.quarantined);
    sayRollout(log, outcome.rollout);
    if (changed.length + removed.length === 0) return;
    const hosts = countsOf(plan?.hosts ?? { added: [], removed: [], moved: [] });
    const publicPorts = countsOf(plan?.streams ?? {});
    const hasPorts = Object.values(publicPorts).some((count) => count > 0);
    const message = kind === 'held' ? 'published what a hold does not keep back' : 'published';
    log.info(
      { commit: standing.head?.commit, hosts, ...(hasPorts && { publicPorts }), nodes: changed, removed, ms },
      message,
    );
    if (plan) sayClosed(plan.streams.removed);
  }
  return { ran, failed };
}

function countsOf(lists: Record<string, readonly unknown[]>): Record<string, number> {
  return Object.fromEntries(Object.entries(lists).map(([kind, { length }]) => [kind, length]));
}
