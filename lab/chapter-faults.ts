// Chapter 4: things break. The edge outlives the control plane, git takes rights away at once, and nothing is ordered twice.
import { askConfig } from './chapter-refusals.ts';
import { liveEverywhere, visit } from './chapter-serving.ts';
import { EDGES, type Fleet, ORIGINS, type SlotName } from './fleet.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Chapter, eventually, expect, seconds } from './story.ts';

async function setState(fleet: Fleet, slot: SlotName, state: string): Promise<void> {
  const folder = (EDGES as readonly string[]).includes(slot) ? 'edges' : 'origins';
  const path = `${folder}/${slot}.yaml`;
  const text = readFileSync(join(fleet.developer.directory, path), 'utf8').replace(/^state: .*\n/m, '');
  await fleet.developer.commit({ [path]: `${text}state: ${state}\n` }, `${slot} is ${state}`);
}

async function answersWith(fleet: Fleet, slot: SlotName, status: number): Promise<void> {
  await eventually(
    async () => {
      const answer = await askConfig(fleet, fleet.agents[slot].token);
      return answer.kind === 'response' && answer.status === status ? true : undefined;
    },
    () => `the token of ${slot} is answered ${status}`,
  );
}

export const faults: Chapter<Fleet> = [
  {
    title: 'a suspended edge is answered 403 and keeps serving; taken back, it is answered again',
    async play(fleet) {
      await setState(fleet, 'osaka-1', 'suspended');
      await answersWith(fleet, 'osaka-1', 403);
      await liveEverywhere(fleet, 'app.hoge.com', 'home', 5_000);
      await setState(fleet, 'osaka-1', 'active');
      await answersWith(fleet, 'osaka-1', 200);
      return undefined;
    },
  },
  {
    title: 'with the reconciler stopped, a rebooted edge serves again by itself',
    async play(fleet) {
      await fleet.reconciler().stop();
      const edge = fleet.agents['tokyo-1'];
      await edge.host.stopAll();
      const since = performance.now();
      await edge.start();
      const target = await visit(fleet, 'app.hoge.com', 'tokyo-1');
      const result = await fleet.client.until(target, { status: 200, verified: true }, { timeoutMs: 40_000 });
      expect(result.kind === 'matched', `not served: ${JSON.stringify(result).slice(0, 300)}`);
      await fleet.startReconciler();
      return `${seconds(performance.now() - since)} after its start`;
    },
  },
  {
    title: 'the CA’s log shows one finalised order per name',
    async play({ pebble }) {
      const orders = await pebble.finalisedOrders();
      const twice = [...orders].filter(([, count]) => count !== 1);
      expect(orders.size > 0 && twice.length === 0, `orders: ${JSON.stringify([...orders])}`);
      return `${orders.size} names`;
    },
  },
  {
    title: 'an edge revoked by a commit is answered 401 and is gone from every peer',
    async play(fleet) {
      const key = await publicKey(fleet, 'osaka-1');
      await setState(fleet, 'osaka-1', 'revoked');
      await answersWith(fleet, 'osaka-1', 401);
      for (const origin of ORIGINS) {
        const { host } = fleet.agents[origin];
        await eventually(
          async () => ((await host.attempt('wg', ['show', host.wireguardInterface, 'peers'])).stdout.includes(key) ? undefined : true),
          () => `${origin} has dropped the peer osaka-1`,
        );
      }
      const still = await fleet.client.request(await visit(fleet, 'app.hoge.com', 'tokyo-1'));
      expect(still.kind === 'response' && still.status === 200, `the other edge: ${JSON.stringify(still).slice(0, 200)}`);
      return undefined;
    },
  },
];

async function publicKey(fleet: Fleet, slot: SlotName): Promise<string> {
  const { host } = fleet.agents[slot];
  return (await host.exec('wg', ['show', host.wireguardInterface, 'public-key'])).stdout.trim();
}
