// Chapter 3: git decides. A commit puts a hostname on every edge, with or without its webhook; a bad one is named and changes nothing.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { liveEverywhere } from './ask.ts';
import { routeFile } from './example-data.ts';
import { kokoa } from './kokoa-command.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import type { World } from './world.ts';

const NEW_HOST_MS = 30_000;
const MOVED_MS = 15_000;
export const BLOG = 'blog.hoge.com';
const BROKEN = 'routes/hoge/broken.hoge.com.yaml';

export const changes: Chapter = [
  {
    title: '`kokoa route add` writes a file that `kokoa validate` accepts',
    async play({ run, operator, developer: { directory } }) {
      const args = ['draft.hoge.com', '--origin', 'home', '--port', '8080', '--dir', directory];
      const added = await kokoa(run, operator, ['route', 'add', ...args]);
      expect(added.exitCode === 0, 'exit 0 of route add', `${added.exitCode}\n${added.stdout}${added.stderr}`);
      const judged = await kokoa(run, operator, ['validate', directory]);
      expect(judged.exitCode === 0, 'exit 0 of validate', `${judged.exitCode}\n${judged.stdout}${judged.stderr}`);
      rmSync(join(directory, 'routes', 'hoge', 'draft.hoge.com.yaml'));
      return undefined;
    },
  },
  {
    title: `a commit adds ${BLOG}: webhook → live on both edges`,
    play: (world) => publishHost(world, BLOG),
  },
  {
    title: 'the same with the webhook lost: polling finds photos.hoge.com',
    async play(world) {
      await world.loseWebhooks(true);
      try {
        return await publishHost(world, 'photos.hoge.com');
      } finally {
        await world.loseWebhooks(false);
      }
    },
  },
  {
    title: `a commit moves ${BLOG} to another port of its origin`,
    async play(world) {
      await world.startService('home', 'home-8081', 8081);
      const { pushedAt } = await world.developer.commit(
        { [`routes/hoge/${BLOG}.yaml`]: routeFile(BLOG, 'home', 8081) },
        'move the blog',
      );
      const at = await liveEverywhere(world, BLOG, 'home-8081', MOVED_MS);
      return `${seconds(at - pushedAt)} after git push`;
    },
  },
  {
    title: 'a bad commit is refused with file:line:column while all goes on',
    async play(world) {
      const { run, operator, developer } = world;
      await developer.commit({ [BROKEN]: routeFile('broken.hoge.com', 'nowhere', 8080) }, 'a mistake');
      const place = `${BROKEN}:2:9`;
      const [judged] = await Promise.all([
        kokoa(run, operator, ['validate', developer.directory]),
        eventually({
          expected: `the reconciler says that ${place} is quarantined`,
          look: () => (quarantineLine(world)?.includes(place) ? true : undefined),
          found: () => quarantineLine(world) ?? world.reconciler().tail(5),
        }),
      ]);
      expect(judged.exitCode === 1, 'exit 1 of validate', `${judged.exitCode}\n${judged.stdout}${judged.stderr}`);
      expect(judged.stdout.includes(place), `validate names ${place}`, judged.stdout);
      await liveEverywhere(world, 'app.hoge.com', 'home', MOVED_MS);
      await developer.commit({ [BROKEN]: null }, 'take the mistake back');
      return place;
    },
  },
];

/** Commits a new hostname and waits until it is live on both edges; answers the time from `git push` returning. */
async function publishHost(world: World, hostname: string): Promise<string> {
  await world.prepareHost(hostname);
  const { pushedAt } = await world.developer.commit(
    { [`routes/hoge/${hostname}.yaml`]: routeFile(hostname, 'home', 8080) },
    `put ${hostname} on the internet`,
  );
  const at = await liveEverywhere(world, hostname, 'home', NEW_HOST_MS);
  return `${seconds(at - pushedAt)} after git push`;
}

function quarantineLine(world: World): string | undefined {
  const lines = world.reconciler().log().split('\n');
  return lines.find((line) => line.includes('quarantined') && line.includes(BROKEN));
}
