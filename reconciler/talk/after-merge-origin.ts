// Which pull request brought a commit. Law: asked apart from everything else, one commit at a time, the newest first; a failure is tried
// again after pauses that grow, and a "none" is asked again, because the forge may know a merge a little later than its repository.

import { type Forge, ForgeError } from '../ports/forge.ts';
import { type Bell, createBell } from './after-merge-bell.ts';
import type { Followed, FollowedMerges } from './after-merge-followed.ts';

export interface OriginDeps {
  followed: Pick<FollowedMerges, 'all' | 'bell'>;
  forge: Pick<Forge, 'mergedBy'>;
  /** First pause, ms. */
  askAgainMs: number;
  /** Something became known. */
  answered(): void;
}

const ASKS_MAX = 3;
const PAUSE_MS_MAX = 5 * 60_000;
const LIMIT_MS_MAX = 60 * 60_000;
/** Nothing happens by itself: what is to be asked rings. */
const IDLE_MS = 60 * 60_000;

/** Asks until `signal` aborts, also while the forge hangs. Never throws. */
export async function askForPullRequests(deps: OriginDeps, signal: AbortSignal): Promise<void> {
  const { followed, askAgainMs } = deps;
  const resting = createBell();
  /** Commit → how often the forge knew of none. */
  const nones = new Map<string, number>();
  let failures = 0;
  while (!signal.aborted) {
    const next = nextUnknown(followed.all(), nones);
    if (next === undefined) {
      nones.clear();
      await followed.bell.wait(IDLE_MS, signal);
      continue;
    }
    await pauseBefore(nones.get(next.commit) ?? 0, askAgainMs, resting, signal);
    if (signal.aborted) return;
    try {
      await ask(next, nones, deps, signal);
      failures = 0;
    } catch (error) {
      failures += 1;
      await resting.wait(pauseAfter(error, failures, askAgainMs), signal);
    }
  }
}

async function ask(one: Followed, nones: Map<string, number>, { forge, answered }: OriginDeps, signal: AbortSignal) {
  const number = await unlessAborted(forge.mergedBy(one.commit), signal);
  if (signal.aborted) return;
  const asked = (nones.get(one.commit) ?? 0) + 1;
  nones.set(one.commit, asked);
  if (number === undefined && asked < ASKS_MAX) return;
  one.pullRequest = number;
  answered();
}

/** Those that were asked least, the newest of them. */
function nextUnknown(all: readonly Followed[], nones: ReadonlyMap<string, number>): Followed | undefined {
  const times = ({ commit }: Followed) => nones.get(commit) ?? 0;
  return all.filter(({ pullRequest }) => pullRequest === 'unknown').sort((a, b) => times(a) - times(b))[0];
}

async function pauseBefore(times: number, askAgainMs: number, resting: Bell, signal: AbortSignal): Promise<void> {
  if (times > 0) await resting.wait(askAgainMs * 2 ** (times - 1), signal);
}

function pauseAfter(error: unknown, failures: number, askAgainMs: number): number {
  const told = error instanceof ForgeError ? (error.waitMs ?? 0) : 0;
  return Math.max(Math.min(told, LIMIT_MS_MAX), Math.min(PAUSE_MS_MAX, askAgainMs * 2 ** Math.min(failures - 1, 20)));
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
