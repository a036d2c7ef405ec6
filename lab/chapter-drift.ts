// Chapter: somebody changes by hand what the agent manages, on four machines at once. Within a minute all is as git says, the operator
// reads what was restored, and nothing was touched that is not the agent's.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { liveEverywhere } from './ask.ts';
import { listedNodes } from './converged.ts';
import type { SlotName } from './example-data.ts';
import type { Fleet } from './fleet.ts';
import { lookAtForeign, placeForeign } from './foreign.ts';
import { chainOf, changePeers, filterOf, killWebServer, managed, moveCurrent, peersOf, tableOf } from './hands.ts';
import { tunnelOf } from './kills.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { ORIGINS } from './world.ts';

/** As promised, and what a busy machine may take on top. */
const RESTORED_MS = 60_000;
const SLACK_MS = 30_000;
const SAID = 'changed by somebody else; restored';
const HOST = 'app.hoge.com';
/** Where something stands beside the agent's own. */
const BESIDE = ['tokyo-1', 'home'] as const;
/** How it looks before anything happens. */
const before = new WeakMap<Fleet, string[]>();

export const drift: Chapter = [
  {
    title: 'what is not managed stands beside it: an nginx, a table of nftables, an interface',
    only: 'full',
    async play(fleet) {
      for (const slot of BESIDE) await placeForeign(fleet.agents[slot]);
      before.set(fleet, await foreignThings(fleet));
      return undefined;
    },
  },
  {
    title:
      'a managed file is edited, `current` is moved, peers come and go, rules of the packet filter too: restored in a minute, and reported',
    only: 'full',
    async play(fleet) {
      const { agents } = fleet;
      const peers = await peersOf(agents['osaka-1']);
      const filters = await Promise.all(ORIGINS.map((origin) => filterOf(agents[origin])));
      const since = performance.now();

      moveCurrent(agents['tokyo-1']);
      await changePeers(agents['osaka-1'], peers);
      appendFileSync(join(agents['osaka-1'].stateDir, 'current', 'nginx.conf'), '# by hand\n');
      await agents.home.host.exec('nft', [
        'insert',
        'rule',
        'inet',
        tableOf(agents.home),
        await chainOf(agents.home),
        'accept',
      ]);
      await agents.office.host.exec('nft', [
        'flush',
        'chain',
        'inet',
        tableOf(agents.office),
        await chainOf(agents.office),
      ]);

      await says(fleet, 'osaka-1', ['set peer home', 'removed peer key AQEBAQEB']);
      expect(
        (await peersOf(agents['osaka-1'])).join() === peers.join(),
        'the peers as before',
        await peersOf(agents['osaka-1']),
      );
      for (const origin of ORIGINS) await says(fleet, origin, ['packet filter']);
      for (const edge of ['tokyo-1', 'osaka-1'] as const) await says(fleet, edge, ['wrote managed files']);
      const took = performance.now() - since;
      const now = await Promise.all(ORIGINS.map((origin) => filterOf(agents[origin])));
      expect(now.join() === filters.join(), 'the packet filters as before', now);
      expect(!managed(agents['osaka-1']).includes('by hand'), 'the file as before', managed(agents['osaka-1']));
      await liveEverywhere(fleet, HOST, 'home', SLACK_MS);
      return `${seconds(took)} for all of it`;
    },
  },
  {
    title: 'a killed nginx and a killed wireguard-go are back in seconds, and reported',
    only: 'full',
    async play(fleet) {
      const since = performance.now();
      killWebServer(fleet.agents['tokyo-1']);
      await tunnelOf('office').strike(fleet);
      await says(fleet, 'tokyo-1', ['started the web server']);
      await says(fleet, 'office', ['started the tunnel']);
      const took = performance.now() - since;
      await liveEverywhere(fleet, HOST, 'home', SLACK_MS);
      return `${seconds(took)} for both`;
    },
  },
  {
    title: 'nothing was touched that is not the agent’s',
    only: 'full',
    async play(fleet) {
      const now = await foreignThings(fleet);
      expect(now.join() === before.get(fleet)?.join(), 'everything else as it was', now);
      return undefined;
    },
  },
  {
    title: '`kokoa-agent status` of each machine says what was restored last',
    only: 'full',
    async play({ agents }) {
      for (const [slot, what] of [
        ['tokyo-1', 'started the web server'],
        ['home', 'packet filter'],
      ] as const) {
        const { stdout } = await agents[slot].command(['status']);
        expect(new RegExp(`^restored +.*${what}`, 'm').test(stdout), `restored: ${what}, on ${slot}`, stdout);
      }
      return undefined;
    },
  },
];

/** Waits until the log and the control plane's list both say it. */
async function says(fleet: Fleet, slot: SlotName, what: readonly string[]): Promise<void> {
  const lines = () =>
    fleet.agents[slot]
      .agent()
      .log()
      .split('\n')
      .filter((line) => line.includes(SAID));
  let listed: unknown;
  await eventually({
    expected: `${slot} reports ${what.join(' and ')}`,
    async look() {
      if (!what.every((one) => lines().some((line) => line.includes(one)))) return undefined;
      listed = (await listedNodes(fleet)).find(({ name }) => name === slot)?.restored;
      return what.every((one) => JSON.stringify(listed ?? '').includes(one)) ? true : undefined;
    },
    found: () => [lines(), listed],
    timeoutMs: RESTORED_MS + SLACK_MS,
    everyMs: 200,
  });
}

function foreignThings({ agents }: Fleet): Promise<string[]> {
  return Promise.all(BESIDE.map((slot) => lookAtForeign(agents[slot])));
}
