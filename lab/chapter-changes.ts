// Chapter 2: git decides. A commit puts a hostname on every edge, with or without its webhook; a bad one is named and changes nothing.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { liveEverywhere } from './chapter-serving.ts';
import type { Fleet } from './fleet.ts';
import { startOrigin } from './origin.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';

const KOKOA = fileURLToPath(new URL('../reconciler/main.ts', import.meta.url));
const NEW_HOST_MS = 30_000;
const MOVED_MS = 15_000;

/** A route file as a team member writes it. */
export function route(hostname: string, origin: string, port: number): string {
  return `hostname: ${hostname}\norigin: ${origin}\nport: ${port}\n`;
}

/** Commits a new hostname and waits until it is live on both edges; answers ms from `git push` returning. */
async function publishHost(fleet: Fleet, hostname: string): Promise<number> {
  await fleet.resolve(hostname);
  const { pushedAt } = await fleet.developer.commit(
    { [`routes/hoge/${hostname}.yaml`]: route(hostname, 'home', 8080) },
    `put ${hostname} on the internet`,
  );
  return (await liveEverywhere(fleet, hostname, 'home', NEW_HOST_MS)) - pushedAt;
}

function kokoa(fleet: Fleet, args: readonly string[]) {
  return fleet.network.hosts.git.attempt(process.execPath, [KOKOA, ...args]);
}

export const changes: Chapter<Fleet> = [
  {
    title: '`kokoa route add` writes a file that `kokoa validate` accepts',
    async play(fleet) {
      const { directory } = fleet.developer;
      const added = await kokoa(fleet, ['route', 'add', 'draft.hoge.com', '--origin', 'home', '--port', '8080', '--dir', directory]);
      expect(added.exitCode === 0, `route add: exit ${added.exitCode}\n${added.stdout}${added.stderr}`);
      const validated = await kokoa(fleet, ['validate', directory]);
      expect(validated.exitCode === 0, `validate: exit ${validated.exitCode}\n${validated.stdout}${validated.stderr}`);
      return undefined;
    },
  },
  {
    title: 'a commit adds blog.hoge.com: webhook → certificate → live on both edges',
    async play(fleet) {
      return `${seconds(await publishHost(fleet, 'blog.hoge.com'))} after git push`;
    },
  },
  {
    title: 'the same with the webhook lost: polling finds photos.hoge.com',
    async play(fleet) {
      fleet.git.loseWebhooks(true);
      try {
        return `${seconds(await publishHost(fleet, 'photos.hoge.com'))} after git push`;
      } finally {
        fleet.git.loseWebhooks(false);
      }
    },
  },
  {
    title: 'a commit moves blog.hoge.com to another port of its origin',
    async play(fleet) {
      await startOrigin(fleet.network.hosts['origin-1'], { name: 'home-8081', port: 8081 });
      const { pushedAt } = await fleet.developer.commit(
        { 'routes/hoge/blog.hoge.com.yaml': route('blog.hoge.com', 'home', 8081) },
        'move the blog',
      );
      const at = await liveEverywhere(fleet, 'blog.hoge.com', 'home-8081', MOVED_MS);
      return `${seconds(at - pushedAt)} after git push`;
    },
  },
  {
    title: 'a bad commit is refused with file:line:column while all goes on',
    async play(fleet) {
      const path = 'routes/hoge/broken.hoge.com.yaml';
      await fleet.developer.commit({ [path]: 'hostname: broken.hoge.com\norigin: nowhere\nport: 8080\n' }, 'a mistake');
      const validated = await kokoa(fleet, ['validate', fleet.developer.directory]);
      const place = `${path}:2:9`;
      expect(validated.exitCode === 1, `validate: exit ${validated.exitCode}, expected 1`);
      expect(validated.stdout.includes(place), `validate does not name ${place}:\n${validated.stdout}`);
      const log = join(fleet.network.hosts.control.directory, 'reconciler.log');
      await eventually(
        () => (/quarantined.*broken\.hoge\.com\.yaml/.test(fleet.reconciler().log()) ? true : undefined),
        () => `${log} says that ${path} is quarantined`,
      );
      await liveEverywhere(fleet, 'app.hoge.com', 'home', MOVED_MS);
      await fleet.developer.commit({ [path]: null }, 'take the mistake back');
      return place;
    },
  },
];
