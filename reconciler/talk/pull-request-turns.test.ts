// Who is looked at when: nobody waits for ever, whatever the others push, and what the forge has not brought yet is asked for again.
import { afterEach, expect, it } from 'vitest';
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { emptyDesired } from '../core/desired.ts';
import type { PullRequest } from '../ports/forge.ts';
import type { PullSource } from '../ports/pull-source.ts';
import { NOTHING_YET } from '../standing.ts';
import { createPullRequests } from './pull-requests.ts';

const BASE = 'b'.repeat(40);
const stopping: AbortController[] = [];
afterEach(() => {
  for (const one of stopping.splice(0)) one.abort();
});

const pull = (number: number, head: string): PullRequest => ({ number, head, base: BASE, isFork: true });

interface Scene {
  /** Commits whose check was said, in order. */
  checked: string[];
  meanings: string[];
  lists: number;
  commit: string;
  dirty(): void;
}

/** Every pull request is a history of its own, which costs nothing to judge. */
function scene(list: (count: number) => PullRequest[], source: Partial<PullSource> = {}): Scene {
  const nothing = () => undefined;
  const at: Scene = { checked: [], meanings: [], lists: 0, commit: BASE, dirty: () => requests.dirty() };
  const requests = createPullRequests({
    forge: {
      async openPullRequests() {
        at.lists += 1;
        return list(at.lists);
      },
    },
    source: {
      ...{ fetch: async (_, expected) => expected, mergeBase: async () => undefined, changes: async () => [] },
      ...{ close: async () => undefined, ...source },
    } as PullSource,
    sayings: {
      check({ commit }, meaning) {
        at.checked.push(commit);
        at.meanings.push(meaning ?? '');
      },
      ...{ comment: nothing, status: nothing, deployment: nothing },
    },
    ...{
      store: createMemoryStore(),
      branch: 'main',
      now: () => new Date(),
      pollMs: 20,
      judged: nothing,
      open: nothing,
    },
    standing: () => ({ ...NOTHING_YET, newest: emptyDesired(), commit: at.commit }),
    isFollowed: () => false,
    log: { info: nothing, warn: nothing },
  });
  const ended = new AbortController();
  stopping.push(ended);
  void requests.run(ended.signal);
  return at;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

it('one that is pushed to whenever the list is asked for keeps nobody from being judged', async () => {
  const [mine, theirs] = ['1'.repeat(40), '2'.repeat(40)];
  const at = scene((count) => {
    at.dirty();
    return [pull(1, count === 1 ? mine : `${count}`.padStart(40, '0')), pull(2, theirs)];
  });
  await until(() => at.checked.includes(theirs));
  expect(at.checked.slice(0, 2)).toEqual([mine, theirs]);
  expect(at.lists).toBe(1);
});

it('the newest activity and who waits longest are looked at by turns', async () => {
  const head = (number: number, push: number) => `${push}${number}`.padStart(40, '0');
  let list = [6, 5, 4, 3, 2, 1].map((number) => pull(number, head(number, 1)));
  const at = scene(() => list);
  await until(() => at.checked.length === 6);
  // The branch moves for all, and three are pushed to.
  list = [...[1, 2, 3].map((number) => pull(number, head(number, 2))), ...list.slice(0, 3)];
  at.commit = 'c'.repeat(40);
  await until(() => at.checked.length === 12);
  expect(at.checked.slice(6)).toEqual([head(1, 2), head(6, 1), head(2, 2), head(5, 1), head(3, 2), head(4, 1)]);
  // Only those with new words are said: the others mean the same on another commit of the branch.
  const meanings = new Set(at.meanings);
  expect(meanings.size).toBe(9);
});

it('what the repository does not have yet is asked for again, until it is what the list names', async () => {
  const [old, named] = ['1'.repeat(40), '2'.repeat(40)];
  const brought = [old];
  const at = scene(() => [pull(1, named)], { fetch: async () => brought.shift() ?? named });
  await until(() => at.checked.includes(named));
  expect(at.checked).toEqual([old, named]);
});
