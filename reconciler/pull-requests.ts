// The second story of the control plane: what an open pull request would do, said on it. Law: it never touches what is published and never
// makes it wait; a pull request is looked at again when it or what it would be merged into changed, the newest activity first and what costs
// much last; and what cannot be asked now is asked later.
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './adapters/log.ts';
import type { PullCheck } from './core/pull-request/report-check.ts';
import { reportAsCheck } from './core/pull-request/report-check.ts';
import { reportAsMarkdown } from './core/pull-request/report-markdown.ts';
import { judgePullRequest, type PullJudge, type PullVerdict } from './judge-pull-request.ts';
import { type Forge, ForgeError, type PullRequest } from './ports/forge.ts';
import type { PullSource } from './ports/pull-source.ts';
import type { Sayings } from './sayings.ts';
import type { Standing } from './standing.ts';

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
const REST_MS_MAX = 2_000;
/** Between two lists, however often somebody marks. */
const LIST_REST_MS = 2_000;
/** A pull request that took longer than this waits until the others are done. */
const COSTLY_MS = 2_000;

export function createPullRequests(deps: PullRequestsDeps): PullRequests {
  const { forge, source, sayings, log } = deps;
  /** Number → what it was judged by. */
  const known = new Map<number, string>();
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
      await pause(listedMs + LIST_REST_MS - performance.now(), signal);
      isListDue = false;
      listedMs = performance.now();
      list = await forge.openPullRequests();
      deps.open(list.length);
      const numbers = new Set(list.map(({ number }) => number));
      for (const number of known.keys()) if (!numbers.has(number)) known.delete(number);
      for (const number of costly) if (!numbers.has(number)) costly.delete(number);
    }
    const patient = list.filter(({ number }) => costly.has(number));
    for (const pull of [...list.filter(({ number }) => !costly.has(number)), ...patient]) {
      // A newer list, or a newer base, is worth more than the rest of this one.
      if (signal.aborted || isListDue) return;
      await judgeOnce(pull, signal);
    }
  }

  async function judgeOnce({ number, head }: PullRequest, signal: AbortSignal): Promise<void> {
    const standing = deps.standing();
    const { commit } = standing;
    if (commit === undefined || deps.isFollowed(number)) return;
    const basis = JSON.stringify([head, commit, standing.head?.sequence, standing.hold?.message]);
    if (known.get(number) === basis) return;
    const since = performance.now();
    const seconds = () => (performance.now() - since) / 1000;
    try {
      const fetched = await source.fetch(number, head);
      const verdict = await judgePullRequest({ number, commit: fetched }, { ...standing, commit }, deps);
      if (signal.aborted) return;
      deps.judged(say(verdict), seconds());
      // The forge may lag behind its own repository: then the next list names the newer commit, which is judged by now.
      known.set(number, basis);
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
    sayings.check(check);
    sayings.comment({
      pullRequest: number,
      key: COMMENT_KEY,
      markdown: reportAsMarkdown(verdict),
      // Whoever changes only a document is not told of plans, unless an earlier push was.
      ...(report.kind === 'no_data' && { onlyEdit: true }),
    });
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

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
}

function pauseAfter(error: unknown, failures: number): number {
  const told = error instanceof ForgeError ? (error.waitMs ?? 0) : 0;
  return Math.min(RETRY_MS_MAX, Math.max(told, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 10)));
}
