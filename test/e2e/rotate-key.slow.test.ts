// WireGuard keys are replaced under load: of an edge, of an origin behind a NAT, and of one whose agent is killed in the middle. Real agents,
// the real control plane, wireguard-go; what goes through the tunnels is never lost.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Told, TUNNEL_VISITOR, toldBy } from '../../agent/tunnel-visitor.fixture.ts';
import { joining } from '../../lab/chapter-joining.ts';
import { type Fleet, startFleet } from '../../lab/fleet.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { EDGES } from '../../lab/world.ts';

const PLAY_MS = 300_000;
const HOME_PORT = '8080';

type SlotName = keyof Fleet['agents'];

const mode = labMode();
if (mode.mode === 'loopback' && process.env.CI === 'true') throw new Error(`the lab cannot run here: ${mode.why}`);

describe.runIf(mode.mode === 'full')('the WireGuard key', () => {
  let run: Run;
  let fleet: Fleet;

  beforeAll(async () => {
    run = createRun();
    fleet = await startFleet(run);
    for (const scene of joining) await scene.play(fleet);
  }, PLAY_MS);

  afterAll(async () => {
    expect(await run?.end()).toEqual([]);
  }, 30_000);

  const wg = async (slot: SlotName, what: string) => {
    const { host } = fleet.agents[slot];
    return (await host.exec('wg', ['show', host.wireguardInterface, what])).stdout.trim().split('\n');
  };
  const command = async (slot: SlotName, ...args: string[]) => {
    const { exitCode, stdout, stderr } = await fleet.agents[slot].command(args);
    return `${stdout}${stderr}exit ${exitCode}`;
  };

  /** Through both edges to home, while `work` is at work. */
  async function underLoad(work: () => Promise<void>): Promise<Told[]> {
    const visitors = EDGES.map((edge) =>
      fleet.agents[edge].host.start('visitor', process.execPath, [
        '-e',
        TUNNEL_VISITOR,
        fleet.tunnelAddresses.home,
        HOME_PORT,
      ]),
    );
    await Promise.all(visitors.map((visitor) => visitor.ready(/flows/)));
    await work();
    return Promise.all(visitors.map(toldBy));
  }

  /** Nobody lost anything, and everybody knows the new key alone. */
  async function replaced(slot: SlotName, before: string, told: readonly Told[]): Promise<void> {
    expect(told.map(({ failed }) => failed)).toEqual([[], []]);
    const [after] = await wg(slot, 'public-key');
    expect(after).not.toBe(before);
    for (const peer of slot === 'home' ? EDGES : (['home', 'office'] as const)) {
      await expect.poll(() => wg(peer, 'peers'), { timeout: 15_000 }).not.toContain(before);
      expect((await wg(peer, 'allowed-ips')).filter((line) => /\(none\)/.test(line))).toEqual([]);
      expect(await wg(peer, 'peers')).toContain(after);
    }
  }

  it.for(['tokyo-1', 'home'] as const)(
    'of %s is replaced, and nothing is lost',
    { timeout: PLAY_MS },
    async (slot, { annotate }) => {
      const [before] = await wg(slot, 'public-key');
      const told = await underLoad(async () => {
        expect(await command(slot, 'rotate-key', '--wait')).toMatch(
          /the new key is announced; .*\n[\s\S]*the new key is in use\nfingerprint {4}[0-9a-f ]{79}\s*exit 0$/,
        );
      });
      await annotate(`${slot}: ${JSON.stringify(told)}`);
      await replaced(slot, before!, told);
      expect(await command(slot, 'status')).not.toContain('rotate-key');
    },
  );

  it('of an origin is replaced although its agent is killed in the middle', { timeout: PLAY_MS }, async ({
    annotate,
  }) => {
    const [before] = await wg('home', 'public-key');
    const agent = fleet.agents.home;
    const told = await underLoad(async () => {
      expect(await command('home', 'rotate-key')).toMatch(/exit 0$/);
      await agent.agent().ready(/"state":"waiting"/, 15_000);
      await agent.agent().kill9();
      expect(await command('home', 'rotate-key')).toMatch(/no agent runs on this state[\s\S]*exit 1$/);
      await agent.start();
      await expect.poll(() => command('home', 'status'), { timeout: 30_000 }).not.toContain('rotate-key');
    });
    await annotate(`home, killed: ${JSON.stringify(told)}`);
    await replaced('home', before!, told);
  });
});
