// Chapter 7: things break. The edge outlives the control plane, git takes rights away at once, and nothing is ordered twice.
import { answered, described, liveEverywhere, visit } from './ask.ts';
import type { SlotName } from './example-data.ts';
import type { Fleet } from './fleet.ts';
import { answersWith, setState } from './slot-state.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { EDGES, ORIGINS } from './world.ts';

const LIVE_MS = 5_000;
const BOOT_MS = 40_000;

export const faults: Chapter = [
  {
    title: 'suspended by a commit, an edge is answered 403 and keeps serving',
    async play(world) {
      const pushedAt = await setState(world, 'osaka-1', 'suspended');
      const at = await answersWith(world, 'osaka-1', 403);
      await liveEverywhere(world, 'app.hoge.com', 'home', LIVE_MS);
      return `403 ${seconds(at - pushedAt)} after git push`;
    },
  },
  {
    title: 'active again by the next commit, it is answered again',
    async play(world) {
      await setState(world, 'osaka-1', 'active');
      await answersWith(world, 'osaka-1', 200);
      return undefined;
    },
  },
  {
    title: 'with the reconciler stopped, a rebooted edge serves again by itself',
    async play(world) {
      await world.reconciler().stop();
      await world.powerOff('tokyo-1');
      const down = await world.client.request(await visit(world, 'app.hoge.com', 'tokyo-1'));
      expect(down.kind === 'failure', 'no answer while it is off', described(down));
      const since = performance.now();
      await world.agents['tokyo-1'].start();
      await liveEverywhere(world, 'app.hoge.com', 'home', BOOT_MS, ['tokyo-1']);
      return `${seconds(performance.now() - since)} after its start`;
    },
  },
  {
    title: 'the reconciler starts again and answers as before',
    async play(world) {
      await world.startReconciler();
      await answersWith(world, 'tokyo-1', 200);
      return undefined;
    },
  },
  {
    title: 'the CA’s log shows one finalised order per name',
    only: 'full',
    async play({ pebble }) {
      const orders = await pebble.finalisedOrders();
      const once = orders.size > 0 && [...orders.values()].every((count) => count === 1);
      expect(once, 'every name once', Object.fromEntries(orders));
      return `${orders.size} names, ${EDGES.length} edges`;
    },
  },
  {
    title: 'revoked by a commit, an edge is answered 401',
    async play(world) {
      const pushedAt = await setState(world, 'osaka-1', 'revoked');
      return `${seconds((await answersWith(world, 'osaka-1', 401)) - pushedAt)} after git push`;
    },
  },
  {
    title: 'and is gone from the peers of every origin',
    only: 'full',
    async play(fleet) {
      const key = await wg(fleet, 'osaka-1', 'public-key');
      for (const origin of ORIGINS) {
        let peers = '';
        await eventually({
          expected: `${origin} has no peer ${key} (osaka-1)`,
          async look() {
            peers = await wg(fleet, origin, 'peers');
            return peers.includes(key) ? undefined : true;
          },
          found: () => peers,
        });
      }
      return undefined;
    },
  },
  {
    title: 'while the other edge serves on',
    async play(world) {
      for (const hostname of ['app.hoge.com', 'wiki.fuga.com']) {
        const answer = await answered(world, await visit(world, hostname, 'tokyo-1'));
        expect(answer.status === 200 && answer.tls?.verified === true, `200 for ${hostname}`, described(answer));
      }
      return undefined;
    },
  },
];

async function wg({ agents }: Fleet, slot: SlotName, what: 'public-key' | 'peers'): Promise<string> {
  const { host } = agents[slot];
  return (await host.exec('wg', ['show', host.wireguardInterface, what])).stdout.trim();
}
