// Chapter: the power is cut. Control plane and git are gone, the last word has expired long ago by the clock of the machines, and an edge
// and an origin start again: they serve what they served, say once that it is stale, and need nobody. Needs libfaketime.
import { answered, described, liveEverywhere, visit } from './ask.ts';
import { allApplied } from './converged.ts';
import { routeFile } from './example-data.ts';
import type { Fleet } from './fleet.ts';
import { startOrigin } from './origin.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { EDGES, ORIGINS, SLOTS } from './world.ts';
import { createWrongClock, type WrongClock, YEAR_MS } from './wrong-clock.ts';

const REBOOTED = ['tokyo-1', 'home'] as const;
const HOST = 'app.hoge.com';
const BOOT_MS = 60_000;
/** What was tried again later and later is tried within this time. */
const BACK_MS = 60_000;

const clocks = new WeakMap<Fleet, WrongClock[]>();

export const power: Chapter = [
  {
    title: 'edge and origin start a year later, with nobody to ask: the same hosts are served over the tunnel',
    only: 'full',
    async play(fleet) {
      const { agents, git, reconciler } = fleet;
      await reconciler().stop();
      await git.stop();
      for (const slot of REBOOTED) {
        await agents[slot].host.stopAll();
        // What the kernel held is gone as well.
        await agents[slot].host.attempt('ip', ['link', 'delete', agents[slot].host.wireguardInterface]);
        await agents[slot].host.exec('nft', ['flush', 'ruleset']);
      }
      const down = await fleet.client.request(await visit(fleet, HOST, 'tokyo-1'));
      expect(down.kind === 'failure', 'no answer while it is off', described(down));
      const since = performance.now();
      await startOrigin(agents.home.host, { name: 'home', port: SLOTS.home.port });
      const wrong = REBOOTED.map((slot) => createWrongClock(agents[slot].host.directory, YEAR_MS));
      clocks.set(fleet, wrong);
      await Promise.all(REBOOTED.map((slot, index) => agents[slot].start(wrong[index]!.env)));
      await liveEverywhere(fleet, HOST, 'home', BOOT_MS);
      return `${seconds(performance.now() - since)} after the start`;
    },
  },
  {
    title: 'each says once that it is stale, and serves on',
    only: 'full',
    async play(fleet) {
      for (const slot of REBOOTED) await agentSays(fleet, slot, /"msg":"stale: the last word/g);
      const answer = await answered(fleet, await visit(fleet, HOST, 'tokyo-1'));
      expect(answer.status === 200, '200 while it is stale', described(answer));
      return undefined;
    },
  },
  {
    title: 'the control plane is back, its certificate has ended by that clock: they say that the clock is wrong',
    only: 'full',
    async play(fleet) {
      await fleet.startReconciler();
      for (const slot of REBOOTED)
        await agentSays(fleet, slot, /"code":"clock_wrong","detail":"[^"]*has ended: the clock is ahead/g);
      const answer = await answered(fleet, await visit(fleet, HOST, 'tokyo-1'));
      expect(answer.status === 200, '200 with a wrong clock', described(answer));
      return undefined;
    },
  },
  {
    title: 'the clock is set right: they follow git again by themselves',
    only: 'full',
    async play(fleet) {
      for (const clock of clocks.get(fleet) ?? []) clock.set(0);
      await fleet.git.start();
      const { pushedAt } = await fleet.developer.commit(
        { [`routes/hoge/${HOST}.yaml`]: routeFile(HOST, 'home', 8082) },
        'after the power cut',
      );
      await startOrigin(fleet.agents.home.host, { name: 'home-8082', port: 8082 });
      const at = await liveEverywhere(fleet, HOST, 'home-8082', BACK_MS);
      await allApplied(fleet, [...EDGES, ...ORIGINS], BACK_MS);
      return `${seconds(at - pushedAt)} after git push`;
    },
  },
];

/** Waits for a line, and expects it once. */
async function agentSays({ agents }: Fleet, slot: (typeof REBOOTED)[number], pattern: RegExp): Promise<void> {
  const count = () => agents[slot].agent().log().match(pattern)?.length ?? 0;
  await eventually({
    expected: `${slot} says ${pattern}`,
    look: () => (count() > 0 ? true : undefined),
    found: () => agents[slot].agent().tail(5),
    timeoutMs: BOOT_MS,
  });
  expect(count() === 1, `${slot} says it once`, agents[slot].agent().tail(20));
}
