// Chapter 1: machines join. Each makes its own keys, waits until git knows it, and verifies its first bundle against the fingerprint it
// was given.
import type { Fleet } from './fleet.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { EDGES, LATE_EDGE, ORIGINS, type World } from './world.ts';

const JOIN_MS = 20_000;
const APPLIED_MS = 15_000;
const HANDSHAKE_MS = 30_000;

export const joining: Chapter = [
  {
    title: 'an edge and two origins join and verify their first bundle',
    async play({ agents }) {
      const joined = await Promise.all(
        [agents['tokyo-1'], agents.home, agents.office].map(async (machine) => ({
          machine,
          ...(await machine.join()),
        })),
      );
      for (const { machine, exitCode, stdout, stderr } of joined) {
        const verified = exitCode === 0 && new RegExp(`joined as ${machine.slot}.*verified`).test(stdout);
        expect(verified, `${machine.slot} joined, with a verified bundle`, `exit ${exitCode}\n${stdout}${stderr}`);
      }
      await agents['tokyo-1'].start();
      return undefined;
    },
  },
  {
    title: `${LATE_EDGE} waits for edges/${LATE_EDGE}.yaml on main, then joins`,
    async play({ agents, developer, files }) {
      const machine = agents[LATE_EDGE];
      const path = `edges/${LATE_EDGE}.yaml`;
      const joining = machine.startJoin();
      await joining.ready(new RegExp(`waiting for .*${path}.* on main`), JOIN_MS);
      const { pushedAt } = await developer.commit({ [path]: files[path]! }, `let ${LATE_EDGE} join`);
      const { code } = await joining.ended(JOIN_MS);
      expect(code === 0 && /verified/.test(joining.log()), `${LATE_EDGE} joined`, `exit ${code}\n${joining.log()}`);
      const note = `${seconds(performance.timeOrigin + performance.now() - pushedAt)} after git push`;
      await machine.start();
      return note;
    },
  },
  {
    title: 'both edges apply their bundles and serve',
    async play(world) {
      await Promise.all(EDGES.map((edge) => applied(world, edge)));
      // Only now: a machine that dials an edge which does not know it yet is left without an answer for 5 s.
      await Promise.all(ORIGINS.map((origin) => world.agents[origin].start()));
      await Promise.all(ORIGINS.map((origin) => applied(world, origin)));
      return undefined;
    },
  },
  {
    title: 'both origins, behind one NAT, have a tunnel to every edge',
    only: 'full',
    async play(fleet) {
      await Promise.all(ORIGINS.map((origin) => tunnelled(fleet, origin)));
      return undefined;
    },
  },
  {
    title: '`kokoa-agent status` says what an edge serves',
    async play({ agents }) {
      const { exitCode, stdout, stderr } = await agents['tokyo-1'].command(['status']);
      for (const [what, pattern] of [
        ['its name', /^node +tokyo-1 \(edge\)$/m],
        ['the version it applied', /^last good +version \d+/m],
        ['that its web server answers', /^web server +serves/m],
        ['that its agent runs', /^agent +running$/m],
        ['two hosts', /^hosts +2\b/m],
      ] as const) {
        expect(exitCode === 0 && pattern.test(stdout), `status says ${what}`, `exit ${exitCode}\n${stdout}${stderr}`);
      }
      return undefined;
    },
  },
  {
    title: '`kokoa-agent status` says which tunnels an edge has',
    only: 'full',
    async play({ agents }) {
      const { stdout, stderr } = await agents['osaka-1'].command(['status']);
      for (const origin of ORIGINS) {
        const fresh = new RegExp(`^tunnel +${origin}: handshake \\d+ s ago$`, 'm').test(stdout);
        expect(fresh, `status names the tunnel to ${origin}`, `${stdout}${stderr}`);
      }
      return undefined;
    },
  },
];

async function applied(world: World, slot: keyof World['agents']): Promise<void> {
  await world.agents[slot].agent().ready(/"msg":"applied"/, APPLIED_MS);
}

async function tunnelled({ agents }: Fleet, origin: (typeof ORIGINS)[number]): Promise<void> {
  const { host } = agents[origin];
  let said = '';
  await eventually({
    expected: `${origin} has a handshake with every edge`,
    async look() {
      said = (await host.attempt('wg', ['show', host.wireguardInterface, 'latest-handshakes'])).stdout;
      const fresh = said.split('\n').filter((line) => Number(line.split('\t')[1]) > 0);
      return fresh.length === EDGES.length ? true : undefined;
    },
    found: () => said || 'no interface',
    timeoutMs: HANDSHAKE_MS,
  });
}
