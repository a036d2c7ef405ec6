// Chapter 4: a pull request is the product. It says what will happen and what is wrong, goes on after the merge until visitors are served,
// and no forge that is down keeps an edge waiting.
import { goneEverywhere, liveEverywhere, publishedAndApplied } from './ask.ts';
import { epochMs } from './clock.ts';
import { routeFile } from './example-data.ts';
import { checkEnds, commentSays, deploymentsSucceed, statusesSucceed } from './pull-request-page.ts';
import type { Merged, Opened } from './pull-requests.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { EDGES, POLL_SECONDS, type World } from './world.ts';

const LIVE_MS = 40_000;
/** An agent sees a certificate that was imported by hand within half a minute. */
const SAID_LIVE_MS = 60_000;
const GONE_MS = 15_000;
/** The reconciler asks a forge that was away again after pauses that grow. */
const BACK_MS = 40_000;
/** Longer than the pause between two looks of the reconciler. */
const QUIET_MS = POLL_SECONDS * 1000 + 1_000;
const SETTLED_MS = 20_000;
const TEAM = 'team.hoge.com';
const TEAM_FILE = `routes/hoge/${TEAM}.yaml`;
const STOLEN_FILE = 'routes/fuga/stolen.hoge.com.yaml';
const PHOTOS = 'photos.hoge.com';
const STATUSES = ['kokoa/compile', 'kokoa/publish'];
/** Each with where it is, its rule, and what to do. */
const MISTAKES = [
  { path: STOLEN_FILE, line: 1, rule: 'KK302', hint: 'move the file to routes/hoge/' },
  { path: TEAM_FILE, line: 2, rule: 'KK304', hint: 'did you mean home?' },
];

interface Story {
  opened: Opened;
  /** Of the one comment. */
  commentId: number;
  merged: Merged;
}

/** What a scene leaves to the next ones, per run of the lab. */
const stories = new WeakMap<World, Partial<Story>>();

export const pullRequests: Chapter = [
  {
    title: 'two mistakes in a pull request of a fork: both named, with places',
    async play(world) {
      const before = await publishedAndApplied(world);
      const since = epochMs();
      const opened = await world.pullRequests.open(
        'Put our team on the internet',
        { [TEAM_FILE]: routeFile(TEAM, 'hoem', 8080), [STOLEN_FILE]: routeFile('stolen.hoge.com', 'office', 8000) },
        'fork',
      );
      const { annotations } = await checkEnds(world, opened.head, 'failure');
      const took = seconds(epochMs() - since);
      for (const { path, line, rule, hint } of MISTAKES) {
        const found = annotations.some(
          ({ path: at, start_line, title, message }) =>
            at === path && start_line === line && title === rule && String(message).includes(hint),
        );
        expect(found, `an annotation ${path}:${line} ${rule}: ${hint}`, annotations);
      }
      const texts = MISTAKES.flatMap(({ path, line, rule, hint }) => [`${path}:${line}:`, rule, hint]);
      const { id } = await commentSays(world, opened.number, texts);
      const after = await publishedAndApplied(world);
      expect(after === before, `nothing is published: ${before}`, after);
      stories.set(world, { opened, commentId: id });
      return took;
    },
  },
  {
    title: 'mended by a push: the same comment now says what the merge will do',
    async play(world) {
      const { opened, commentId } = told(world, 'opened', 'commentId');
      const since = epochMs();
      const pushed = await world.pullRequests.push(opened, 'Mend it', {
        [TEAM_FILE]: routeFile(TEAM, 'home', 8080),
        [STOLEN_FILE]: null,
      });
      await checkEnds(world, pushed.head, 'success');
      const comment = await commentSays(world, pushed.number, ['1 host added', `**added** \`${TEAM}\``]);
      expect(comment.id === commentId, `comment ${commentId} edited`, comment);
      expect(!MISTAKES.some(({ rule }) => comment.body.includes(rule)), 'no mistake in the comment', comment.body);
      stories.set(world, { ...stories.get(world), opened: pushed });
      return seconds(epochMs() - since);
    },
  },
  {
    title: 'merged: the same comment goes on until visitors are served',
    async play(world) {
      const { opened, commentId } = told(world, 'opened', 'commentId');
      await world.prepareHost(TEAM);
      const merged = await world.pullRequests.merge(opened);
      const at = await liveEverywhere(world, TEAM, 'home', LIVE_MS);
      const comment = await commentSays(
        world,
        opened.number,
        [`**live** <https://${TEAM}>: 200 from `, ...EDGES.map((edge) => `\`${edge}\``)],
        SAID_LIVE_MS,
      );
      const saidAt = epochMs();
      expect(comment.id === commentId, `comment ${commentId} edited`, comment);
      await statusesSucceed(world, merged.commit, STATUSES);
      await deploymentsSucceed(world, merged.commit, EDGES);
      stories.set(world, { ...stories.get(world), merged });
      return `live ${seconds(at - merged.mergedAt)} after the merge, said after ${seconds(saidAt - merged.mergedAt)}`;
    },
  },
  {
    title: 'GitHub is down, a push goes live all the same, and is told of later',
    async play(world) {
      await world.github.setOutage(true);
      const { pushedAt, commit } = await world.developer.commit(
        { [`routes/hoge/${PHOTOS}.yaml`]: routeFile(PHOTOS, 'home', 8081) },
        'move the photos',
      );
      const at = await liveEverywhere(world, PHOTOS, 'home-8081', LIVE_MS);
      await world.github.setOutage(false);
      const since = epochMs();
      await statusesSucceed(world, commit, STATUSES, BACK_MS);
      return `live ${seconds(at - pushedAt)} after git push, told ${seconds(epochMs() - since)} after GitHub came back`;
    },
  },
  {
    title: 'reverted: the plan is loud, then nothing answers and the comment says gone',
    async play(world) {
      const { merged } = told(world, 'merged');
      const reverted = await world.pullRequests.revert('Take our team back', merged.commit);
      const { id } = await commentSays(world, reverted.number, [
        '[!CAUTION]',
        '1 host removed',
        `**removed** \`${TEAM}\``,
      ]);
      const { mergedAt } = await world.pullRequests.merge(reverted, 'squash');
      const at = await goneEverywhere(world, TEAM, GONE_MS);
      const comment = await commentSays(world, reverted.number, [`**gone** \`https://${TEAM}\``]);
      expect(comment.id === id, `comment ${id} edited`, comment);
      return `${seconds(at - mergedAt)} after the merge`;
    },
  },
  {
    title: 'then GitHub is left alone: what stands there is not said again',
    async play({ github }) {
      let last = { changes: -1, sinceMs: epochMs() };
      await eventually({
        expected: `nothing said for ${seconds(QUIET_MS)}, while the reconciler looks on`,
        async look() {
          const { changes } = await github.said();
          if (changes !== last.changes) last = { changes, sinceMs: epochMs() };
          return epochMs() - last.sinceMs >= QUIET_MS ? true : undefined;
        },
        found: () => last,
        timeoutMs: SETTLED_MS,
      });
      return undefined;
    },
  },
  {
    title: 'every request to GitHub fitted GitHub’s own description of its API',
    async play({ github }) {
      const { asked, changes, problems } = await github.said();
      expect(problems.length === 0, 'no complaint', problems);
      return `${asked.length} requests, ${changes} of them to say something`;
    },
  },
];

/** What an earlier scene found. @throws UnmetExpectation */
function told<Name extends keyof Story>(world: World, ...names: Name[]): Pick<Story, Name> {
  const story = stories.get(world) ?? {};
  const missing = names.filter((name) => story[name] === undefined);
  expect(missing.length === 0, 'the scenes before this one', missing);
  return story as Pick<Story, Name>;
}
