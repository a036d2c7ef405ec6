// The second story of the control plane: what an open pull request would do, said on it. Law: it never touches what is published and never
// makes it wait; a pull request is looked at again when it or what it would be merged into changed, the newest activity first and what costs
// much last; and what cannot be asked now is asked later.
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../adapters/log.ts';
import type { JudgedPullRequest } from '../core/pull-request/report.ts';
import { type PullCheck, reportAsCheck } from '../core/pull-request/report-check.ts';
import { reportAsMarkdown } from '../core/pull-request/report-markdown.ts';
import { type Forge, ForgeError, type PullRequest } from '../ports/forge.ts';
import type { PullSource } from '../ports/pull-source.ts';
import type { Standing } from '../standing.ts';
import { judgePullRequest, type PullJudge, type PullVerdict } from './judge-pull-request.ts';
import type { Sayings } from './sayings.ts';

export const COMMENT_KEY = 'kokoa';

export interface PullRequestsDeps extends PullJudge {
  forge: Pick<Forge, 'openPullRequests'>;
  source: PullSource;
  sayings: Sayings;
  /** The newest one; read, never changed. */
  standing(): Standing;
  /** True: the other half of the story speaks there. */
  isFollowed(pullRequest: number): boolean;
  pollMs: number;
  log: Pick<Log, 'info' | 'warn'>;
  judged(result: PullCheck['outcome'] | 'merged' | 'failed', seconds: number): void;
  open(count: number): void;
}

export interface PullRequests {
  /** Something happened to a pull request. Cheap: it only marks. */
  dirty(): void;
  /** A run of the loop ended: what they would be merged into may have changed. */
  moved(): void;
  /** Looks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const RETRY_MS_MIN = 5_000;
const RETRY_MS_MAX = 5 * 60_000;
/** After one that took long, others have at least as much time. */
const REST_MS_MAX = 20_000;
/** Between two lists, however often somebody marks: for each request that a list takes. */
const LIST_REST_MS = 2_000;
const LIST_PAGE = 30;
/** For so long a list is worked on, and for so many, before a newer one is worth more than the rest of it. */
const LOOK_MS_MIN = 3_000;
const LOOKED_AT_MIN = 2;
/** A pull request that took longer than this waits until the others are done. */
const COSTLY_MS = 2_000;

export function createPullRequests(deps: PullRequestsDeps): PullRequests {
  const { forge, source, sayings, log } = deps;
  /** Number → what it was judged by. */
  const known = new Map<number, string>();
  /** Number → when it was judged last, counted up. */
  const turns = new Map<number, number>();
  let turn = 0;
  /** Numbers of those that took long. */
  const costly = new Set<number>();
  let listedMs = Number.NEGATIVE_INFINITY;
  let isListDue = true;
  let isMoved = false;
  let failures = 0;
  let list: readonly PullRequest[] = [];
  let wake: (() => void) | undefined;

  async function look(signal: AbortSignal): Promise<void> {
    isMoved = false;
    if (isListDue) {
      const pages = 1 + Math.floor(list.length / LIST_PAGE);
      await pause(listedMs + LIST_REST_MS * pages - performance.now(), signal);
      isListDue = false;
      listedMs = performance.now();
      list = await forge.openPullRequests();
      deps.open(list.length);
      forgetClosed();
    }
    const sinceMs = performance.now();
    const isTurnOver = (judged: number) => judged >= LOOKED_AT_MIN && performance.now() - sinceMs > LOOK_MS_MIN;
    for (const [judged, pull] of inTurn(list.filter(isDue)).entries()) {
      if (signal.aborted || (isListDue && isTurnOver(judged))) return;
      if (isDue(pull)) await judgeOnce(pull, signal);
    }
  }

  function forgetClosed(): void {
    const numbers = new Set(list.map(({ number }) => number));
    for (const kept of [known, turns, costly])
      for (const number of kept.keys()) if (!numbers.has(number)) kept.delete(number);
  }

  /** By turns the newest activity and who waits longest, so that nobody who pushes without end is alone; what costs much comes last. */
  function inTurn(due: readonly PullRequest[]): PullRequest[] {
    const waiting = due.toSorted((a, b) => (turns.get(a.number) ?? 0) - (turns.get(b.number) ?? 0));
    const all = [...new Set(due.flatMap((pull, at) => [pull, waiting[at]!]))];
    return [...all.filter(({ number }) => !costly.has(number)), ...all.filter(({ number }) => costly.has(number))];
  }

  /** What it would be judged by now; undefined: not at all. */
  function basisOf({ number, head }: PullRequest): string | undefined {
    const { commit, head: published, hold } = deps.standing();
    if (commit === undefined || deps.isFollowed(number)) return undefined;
    return JSON.stringify([head, commit, published?.sequence, hold?.message]);
  }

  function isDue(pull: PullRequest): boolean {
    const basis = basisOf(pull);
    return basis !== undefined && known.get(pull.number) !== basis;
  }

  async function judgeOnce(pull: PullRequest, signal: AbortSignal): Promise<void> {
    const { number, head } = pull;
    const standing = deps.standing();
    const { commit } = standing;
    const basis = basisOf(pull);
    if (commit === undefined || basis === undefined) return;
    turn += 1;
    turns.set(number, turn);
    const since = performance.now();
    const seconds = () => (performance.now() - since) / 1000;
    try {
      const fetched = await source.fetch(number, head);
      const verdict = await judgePullRequest({ number, commit: fetched }, { ...standing, commit }, deps);
      if (signal.aborted) return;
      deps.judged(say(verdict), seconds());
      // List and repository of the forge lag behind each other: what was not named is looked at again.
      if (fetched === head) known.set(number, basis);
    } catch (error) {
      deps.judged('failed', seconds());
      refused(number, head, basis, error);
    }
    const tookMs = performance.now() - since;
    if (tookMs > COSTLY_MS) costly.add(number);
    else costly.delete(number);
    await pause(Math.min(REST_MS_MAX, tookMs), signal);
  }

  function say(verdict: PullVerdict): PullCheck['outcome'] | 'merged' {
    if (verdict === 'merged' || deps.isFollowed(verdict.number)) return 'merged';
    const { number, report } = verdict;
    const check = reportAsCheck(verdict);
    const meaning = meaningOf(verdict);
    sayings.check(check, JSON.stringify([{ ...check, summary: '' }, meaning]));
    const comment = { pullRequest: number, key: COMMENT_KEY, markdown: reportAsMarkdown(verdict) };
    // Whoever changes only a document is not told of plans, unless an earlier push was.
    sayings.comment(report.kind === 'no_data' ? { ...comment, onlyEdit: true } : comment, meaning);
    log.info({ pullRequest: number, outcome: check.outcome, said: check.title }, 'a pull request was judged');
    return check.outcome;
  }

  /** What was proposed is to blame: said there. Git or the store is: asked again with the next list. */
  function refused(number: number, head: string, basis: string, error: unknown): void {
    const { code, message, hint } = error as { code?: string; message: string; hint?: string };
    log.warn({ pullRequest: number, code, reason: message }, 'a pull request could not be judged');
    if (code !== 'pull_too_large') return;
    known.set(number, basis);
    const commit = deps.standing().commit ?? '';
    const report = { kind: 'unreadable', message, hint: hint ?? '' } as const;
    say({ number, commit: head, base: commit, branch: deps.branch, report });
  }

  function wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      if (signal.aborted || ((isListDue || isMoved) && failures === 0)) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(() => {
        isListDue = true;
        done();
      }, ms);
      signal.addEventListener('abort', done);
      wake = done;
    });
  }

  return {
    dirty() {
      isListDue = true;
      if (failures === 0) wake?.();
    },
    moved() {
      isMoved = true;
      if (failures === 0) wake?.();
    },
    async run(signal) {
      while (!signal.aborted) {
        try {
          await look(signal);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          isListDue = true;
          if (failures === 1) log.warn({ reason: String((error as Error).message) }, 'pull requests cannot be listed');
          await wait(pauseAfter(error, failures), signal);
          continue;
        }
        await wait(deps.pollMs, signal);
      }
    },
  };
}

/** All that is said, but for the names of the commits that it was compared with: they move with every merge. */
function meaningOf(verdict: JudgedPullRequest): string {
  const { report } = verdict;
  const still = report.kind === 'planned' ? { ...report, changes: { ...report.changes, base: undefined } } : report;
  return reportAsMarkdown({ ...verdict, base: '', report: still });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
}

function pauseAfter(error: unknown, failures: number): number {
  const told = error instanceof ForgeError ? (error.waitMs ?? 0) : 0;
  return Math.min(RETRY_MS_MAX, Math.max(told, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 10)));
}
