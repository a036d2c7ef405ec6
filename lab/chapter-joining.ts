// Chapter 1: machines join. Each makes its own keys, waits until git knows it, and verifies its first bundle against the fingerprint it
// was given.
import type { AgentHost } from './agent-host.ts';
import type { Fleet } from './fleet.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { EDGES, LATE_EDGE, ORIGINS, type OriginName, type World } from './world.ts';

const JOIN_MS = 20_000;
const APPLIED_MS = 15_000;
const HANDSHAKE_MS = 30_000;
/** The version that was applied, and a web server that answers. */
const SERVING = [/^last good +version \d+/m, /^web server +serves/m];

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
    play: ({ agents }) =>
      statusSays(agents['tokyo-1'], [/^node +tokyo-1 \(edge\)$/m, /^agent +running$/m, ...SERVING, /^hosts +2\b/m]),
  },
  {
    title: '`kokoa-agent status` says which tunnels an edge has',
    only: 'full',
    play: ({ agents }) => statusSays(agents['osaka-1'], ORIGINS.map(freshTunnel)),
  },
];

async function applied(world: World, slot: keyof World['agents']): Promise<void> {
  await world.agents[slot].agent().ready(/"msg":"applied"/, APPLIED_MS);
}

/** Waits until status says all of this: a change that is being applied shows a moment later. */
async function statusSays(machine: AgentHost, patterns: readonly RegExp[]): Promise<undefined> {
  let said = '';
  await eventually({
    expected: `status of ${machine.slot} says ${patterns.join(' and ')}`,
    async look() {
      const { exitCode, stdout, stderr } = await machine.command(['status']);
      said = `exit ${exitCode}\n${stdout}${stderr}`;
      return exitCode === 0 && patterns.every((pattern) => pattern.test(stdout)) ? true : undefined;
    },
    found: () => said,
  });
}

function freshTunnel(origin: OriginName): RegExp {
  return new RegExp(`^tunnel +${origin}: handshake \\d+ s ago$`, 'm');
}

async function tunnelled({ agents }: Fleet, origin: OriginName): Promise<void> {
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
