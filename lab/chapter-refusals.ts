// Chapter 6: nobody is believed without proof. The control plane tells each token only what is its own; an edge whose control plane
// is in wrong hands refuses what it cannot verify, by name, changes nothing on its disk, and serves on.
import { join } from 'node:path';
import { createDevelopmentKeys, loadKeys } from '../reconciler/adapters/key-files.ts';
import { mintToken } from '../reconciler/adapters/token-mint.ts';
import { answered, askConfig, bundleOf, described, liveEverywhere, visit } from './ask.ts';
import { BLOG } from './chapter-changes.ts';
import { routeFile } from './example-data.ts';
import { FORGERIES, type Forgery, type Material } from './forgeries.ts';
import { type Siege, startSiege } from './hostile-siege.ts';
import { type Chapter, eventually, expect, type Scene } from './story.ts';
import type { World } from './world.ts';

const BESIEGED = 'osaka-1';
const NEIGHBOUR = 'tokyo-1';
const LIVE_MS = 15_000;
const DAY_MS = 24 * 3600 * 1000;

/** The edge between two scenes: taken over by the first, given back by the last. */
const sieges = new WeakMap<World, { siege: Siege; material: Material }>();

export const refusals: Chapter = [
  {
    title: `the token of ${BESIEGED} yields only the bundle of ${BESIEGED}`,
    async play(world) {
      const { token } = world.agents[BESIEGED];
      const own = await bundleOf(world, BESIEGED);
      expect(own.node === BESIEGED, `the bundle of ${BESIEGED}`, own.node);
      const plain = await askConfig(world, token);
      const line = `"app.hoge.com":"${world.tunnelAddresses.home}:8080"`;
      expect(plain.body.includes(line), `${line} for any HTTP client`, described(plain));
      return undefined;
    },
  },
  {
    title: 'no token, a garbled one and one that nobody was given: 401',
    async play(world) {
      const stranger = await mintToken({ node: BESIEGED, generation: 1 });
      await refusedToken(world, undefined, 'token_missing');
      await refusedToken(world, 'garbled', 'token_garbled');
      await refusedToken(world, stranger.token, 'token_unknown');
      return undefined;
    },
  },
  {
    title: 'a token of another generation and one out of date: 401',
    async play(world) {
      const old = await mintToken({ node: 'cabin', generation: 1 });
      const late = await mintToken({ node: 'shed', generation: 1, expires: new Date(Date.now() - DAY_MS) });
      const files = {
        'origins/cabin.yaml': spareOrigin(world, 'cabin', old.sha256, 2),
        'origins/shed.yaml': spareOrigin(world, 'shed', late.sha256, 1),
      };
      await world.developer.commit(files, 'two machines whose tokens are of no use');
      await refusedToken(world, old.token, 'token_wrong_generation');
      await refusedToken(world, late.token, 'token_expired');
      return undefined;
    },
  },
  {
    title: `a thief of the online keys now answers ${BESIEGED}, with forgeries`,
    async play(world) {
      const material = await gather(world);
      sieges.set(world, { siege: await startSiege(world, BESIEGED), material });
      return undefined;
    },
  },
  ...FORGERIES.map(refusal),
  {
    title: `given back, ${BESIEGED} takes the next change at once`,
    async play(world) {
      await sieges.get(world)?.siege.end();
      sieges.delete(world);
      const path = `routes/hoge/${BLOG}.yaml`;
      await world.developer.commit({ [path]: routeFile(BLOG, 'home', 8081) }, 'move the blog again');
      await liveEverywhere(world, BLOG, 'home-8081', LIVE_MS);
      return undefined;
    },
  },
];

function refusal({ name, code, bundle }: Forgery): Scene {
  return {
    title: `refused: ${name}`,
    async play(world) {
      const { siege, material } = sieges.get(world) ?? {};
      if (siege === undefined || material === undefined) throw new TypeError('no siege has begun');
      await siege.refuses(name, bundle(material), code);
      const answer = await answered(world, await visit(world, 'app.hoge.com', BESIEGED));
      expect(answer.status === 200 && answer.tls?.verified === true, 'it serves on', described(answer));
      return code;
    },
  };
}

/** Collects what an attacker could have: bundles before and after a change, another node's, the online keys, and keys of his own. */
async function gather(world: World): Promise<Material> {
  const older = await bundleOf(world, BESIEGED);
  const path = `routes/hoge/${BLOG}.yaml`;
  await world.developer.commit({ [path]: routeFile(BLOG, 'home', 8080) }, 'move the blog back');
  await liveEverywhere(world, BLOG, 'home', LIVE_MS);
  const otherDir = join(world.run.directory, 'other-keys');
  await createDevelopmentKeys(otherDir, new Date());
  const other = await loadKeys(otherDir);
  return {
    older,
    newest: await bundleOf(world, BESIEGED),
    foreign: await bundleOf(world, NEIGHBOUR),
    keys: (await loadKeys(world.keysDir)).online,
    otherKeys: other.online,
    otherRoot: other.roots[0]!,
  };
}

/** Waits until the control plane answers 401 with this code: it may not have read the newest commit yet. */
async function refusedToken(world: World, token: string | undefined, code: string): Promise<void> {
  let said = '';
  await eventually({
    expected: `401 ${code}`,
    async look() {
      const answer = await askConfig(world, token);
      said = described(answer);
      return answer.status === 401 && answer.body.includes(`"${code}"`) ? true : undefined;
    },
    found: () => said,
  });
}

/** A machine that never joins, at an address of its own beside home's. */
function spareOrigin(world: World, name: string, tokenSha256: string, generation: number): string {
  const address = world.tunnelAddresses.home.replace(/\.1$/, name === 'cabin' ? '.8' : '.9');
  return [
    ...[`name: ${name}`, 'teams:', '  - hoge', 'wireguard:', `  address: ${address}`],
    ...[`token: sha256:${tokenSha256}`, `generation: ${generation}`, ''],
  ].join('\n');
}
