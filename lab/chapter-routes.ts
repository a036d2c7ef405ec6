// Chapter 5: what a route can say, seen by a visitor through the whole line. Each field alone is proved elsewhere, by one edge.
import bcrypt from 'bcryptjs';
import { answered, askControl, described, liveEverywhere, visit } from './ask.ts';
import { routeFile } from './example-data.ts';
import { kokoa } from './kokoa-command.ts';
import type { OriginAnswer } from './origin.ts';
import { startOrigin } from './origin.ts';
import type { ProbeTarget } from './probe-protocol.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { EDGES, LOOPBACK_SERVICE_PORT, SLOTS, type World } from './world.ts';

const APPLIED_MS = 15_000;
const PHOTOS = 'photos.hoge.com';
const FILE = `routes/hoge/${PHOTOS}.yaml`;
const PUBLIC_PORT = 25565;
const PASSWORD = 'open sesame';
/** Long enough to be seen alive first, on a busy machine too. */
const LIFE_MS = 6_000;

export const routes: Chapter = [
  {
    title: `a part of ${PHOTOS} goes elsewhere, without its prefix`,
    async play(world) {
      await commit(world, 'paths:\n  - prefix: /api\n    origin: home\n    port: 8081\n    stripPrefix: true\n');
      await everywhere(
        world,
        { path: '/api/albums?all' },
        ({ name, path }) => name === 'home-8081' && path === '/albums?all',
      );
      await everywhere(world, { path: '/apix' }, ({ name, path }) => name === 'home' && path === '/apix');
      await everywhere(world, { path: '/api/../apix' }, 400);
      return undefined;
    },
  },
  {
    title: '`kokoa seal` makes a login that is safe in git: 401, then 200',
    async play(world) {
      const { run, operator } = world;
      const key = JSON.parse((await askControl(world, '/api/v1/sealing-key', undefined)).body) as { recipient: string };
      const input = `alice:${bcrypt.hashSync(PASSWORD, 5)}\n`;
      const sealed = await kokoa(run, operator, ['seal', '--team', 'hoge', '--to', key.recipient, '--users'], input);
      expect(sealed.exitCode === 0, 'exit 0 of seal', `${sealed.exitCode}\n${sealed.stdout}${sealed.stderr}`);
      await commit(world, sealed.stdout);
      await everywhere(world, {}, 401);
      await everywhere(world, { headers: { authorization: basic(`alice:${PASSWORD}`) } }, 200);
      await everywhere(world, { headers: { authorization: basic('alice:guessed') } }, 401);
      return undefined;
    },
  },
  {
    title: 'a service on 127.0.0.1 of home is reached, as its owner allows',
    only: 'full',
    async play(world) {
      const name = 'home-loopback';
      const host = world.network.hosts[SLOTS.home.host];
      await startOrigin(host, { name, port: LOOPBACK_SERVICE_PORT, address: '127.0.0.1' });
      const text = routeFile(PHOTOS, 'home', LOOPBACK_SERVICE_PORT);
      await world.developer.commit({ [FILE]: `${text}host: 127.0.0.1\n` }, 'show what only home itself sees');
      await liveEverywhere(world, PHOTOS, name, APPLIED_MS);
      return undefined;
    },
  },
  {
    title: `TCP port ${PUBLIC_PORT} of every edge leads home, once its team is granted it`,
    only: 'full',
    async play(world) {
      const kokoaYaml = world.files['kokoa.yaml']!.replace(
        '  - name: hoge\n',
        `  - name: hoge\n    ports: ['${PUBLIC_PORT}']\n`,
      );
      const route = `protocol: tcp\npublicPort: ${PUBLIC_PORT}\norigin: home\nport: 8080\nproxyProtocol: false\n`;
      const { pushedAt } = await world.developer.commit(
        { 'kokoa.yaml': kokoaYaml, 'routes/hoge/game.yaml': route },
        'open a port for the game',
      );
      for (const edge of EDGES) {
        const target = { hostname: PHOTOS, address: world.doors[edge].address, port: PUBLIC_PORT, http: true };
        await eventually({
          expected: `an answer from home at port ${PUBLIC_PORT} of ${edge}`,
          timeoutMs: APPLIED_MS,
          found: () => 'none',
          async look() {
            const answer = await world.client.request(target);
            return answer.kind === 'response' && answer.body.includes('"name":"home"') ? true : undefined;
          },
        });
      }
      return `${seconds(Date.now() - pushedAt)} after git push`;
    },
  },
  {
    title: `${PHOTOS} ends by itself at its time, without a commit`,
    async play(world) {
      const end = new Date(Math.ceil((Date.now() + LIFE_MS) / 1000) * 1000);
      await commit(world, `expiresAt: ${end.toISOString().replace('.000', '')}\n`);
      await liveEverywhere(world, PHOTOS, 'home', APPLIED_MS);
      await everywhere(world, {}, 404);
      return `${seconds(Date.now() - end.getTime())} after its time`;
    },
  },
];

/** Puts PHOTOS at home again, with `more` lines. */
async function commit({ developer }: World, more: string): Promise<void> {
  await developer.commit({ [FILE]: routeFile(PHOTOS, 'home', 8080) + more }, 'say more about the photos');
}

type Wanted = number | ((seen: OriginAnswer) => boolean);

/** Waits until both edges answer a request as wanted: a status, or 200 from a backend that saw the right thing. */
async function everywhere(world: World, request: Partial<ProbeTarget>, wanted: Wanted): Promise<void> {
  for (const edge of EDGES) {
    let last = 'no answer';
    await eventually({
      expected: `${typeof wanted === 'number' ? wanted : '200 from the right backend'} for ${request.path ?? '/'} at ${edge}`,
      timeoutMs: APPLIED_MS,
      found: () => last,
      async look() {
        const answer = await answered(world, { ...(await visit(world, PHOTOS, edge)), ...request });
        last = described(answer);
        if (typeof wanted === 'number') return answer.status === wanted ? true : undefined;
        return answer.status === 200 && wanted(JSON.parse(answer.body) as OriginAnswer) ? true : undefined;
      },
    });
  }
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}
