// What people read on the pages of the lab's GitHub: the one comment of a pull request, the check of a commit, its statuses.
import type { KeptCheckRun, KeptComment } from '../reconciler/adapters/github-state.fixture.ts';
import type { Said } from './github-calls.ts';
import { eventually, expect } from './story.ts';
import type { World } from './world.ts';

const SAID_MS = 20_000;
const LOOK_EVERY_MS = 100;

/** Waits until `find` finds something on GitHub's pages. @throws UnmetExpectation */
export async function onPages<T>(
  { github }: World,
  expected: string,
  find: (said: Said) => T | undefined,
  found: (said: Said) => unknown,
  timeoutMs = SAID_MS,
): Promise<T> {
  let said = await github.said();
  return eventually({
    expected,
    async look() {
      said = await github.said();
      return find(said);
    },
    found: () => found(said),
    timeoutMs,
    everyMs: LOOK_EVERY_MS,
  });
}

/** Waits until the only comment of a pull request holds every text. @throws UnmetExpectation also when there is a second one */
export async function commentSays(
  world: World,
  number: number,
  texts: readonly string[],
  timeoutMs?: number,
): Promise<KeptComment> {
  const of = ({ comments }: Said) => comments.filter(({ pull }) => pull === number);
  return onPages(
    world,
    `one comment on pull request ${number} with ${texts.map((text) => `“${text}”`).join(', ')}`,
    (said) => {
      const all = of(said);
      expect(all.length <= 1, `one comment on pull request ${number}`, all);
      return all.find(({ body }) => texts.every((text) => body.includes(text)));
    },
    (said) =>
      of(said)
        .map(({ body }) => body)
        .join('\n') || 'no comment',
    timeoutMs,
  );
}

/** Waits until the newest check `kokoa` of a commit has ended so. @throws UnmetExpectation */
export async function checkEnds(world: World, commit: string, conclusion: string): Promise<KeptCheckRun> {
  const of = ({ checkRuns }: Said) => checkRuns.filter((run) => run.name === 'kokoa' && run.head_sha === commit);
  return onPages(
    world,
    `the check kokoa of ${commit.slice(0, 12)} is ${conclusion}`,
    (said) => {
      const newest = of(said).at(-1);
      return newest?.conclusion === conclusion ? newest : undefined;
    },
    of,
  );
}

/** Waits until the newest status of each name is success. @throws UnmetExpectation */
export async function statusesSucceed(
  world: World,
  commit: string,
  names: readonly string[],
  timeoutMs?: number,
): Promise<void> {
  const of = ({ statuses }: Said) =>
    new Map(statuses.filter(({ sha }) => sha === commit).map((one) => [one.context, one]));
  await onPages(
    world,
    `${names.join(' and ')} of ${commit.slice(0, 12)}: success`,
    (said) => (names.every((name) => of(said).get(name)?.state === 'success') ? true : undefined),
    (said) => [...of(said).values()],
    timeoutMs,
  );
}

/** Waits until the newest deployment of a commit to each edge has succeeded. @throws UnmetExpectation */
export async function deploymentsSucceed(world: World, commit: string, edges: readonly string[]): Promise<void> {
  const of = ({ deployments }: Said) => deployments.filter(({ sha }) => sha === commit);
  await onPages(
    world,
    `a deployment of ${commit.slice(0, 12)} to each of ${edges.join(', ')}: success`,
    (said) => {
      const newest = new Map(of(said).map(({ environment, statuses }) => [environment, statuses.at(-1)?.state]));
      return edges.every((edge) => newest.get(edge) === 'success') ? true : undefined;
    },
    of,
  );
}
