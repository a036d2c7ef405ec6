// Edges are thrown away and made anew, six times in a row and each of a pool of two in turn, so that no machine of the beginning is left. Each
// serves every hostname without an order: the CA has seen one for each name, and a second one when an edge that had it is compromised. Real
// agents, nginx, certbot, Pebble.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PUBLIC } from '../../lab/addresses.ts';
import { liveEverywhere } from '../../lab/ask.ts';
import { joining } from '../../lab/chapter-joining.ts';
import { type Fleet, startFleet } from '../../lab/fleet.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { createRun, type Run } from '../../lab/run.ts';
import type { EdgeName } from '../../lab/world.ts';

const PLAY_MS = 300_000;
const FIRST_CERTIFICATE_MS = 90_000;
const REBUILT_MS = 60_000;
/** Two orders, one after the other's lease and account. */
const REORDERED_MS = { timeout: 90_000, interval: 200 };
const REBUILDS = 6;
const HOSTS = { 'app.hoge.com': 'home', 'wiki.fuga.com': 'office' } as const;

const mode = labMode();
if (mode.mode === 'loopback' && process.env.CI === 'true') throw new Error(`the lab cannot run here: ${mode.why}`);

describe.runIf(mode.mode === 'full')('an edge that is rebuilt', () => {
  let run: Run;
  let fleet: Fleet;

  beforeAll(async () => {
    run = createRun();
    fleet = await startFleet(run);
    for (const scene of joining) await scene.play(fleet);
    for (const [hostname, origin] of Object.entries(HOSTS))
      await liveEverywhere(fleet, hostname, origin, FIRST_CERTIFICATE_MS);
  }, PLAY_MS);

  afterAll(async () => {
    expect(await run?.end()).toEqual([]);
  }, 30_000);

  /** Another machine in its slot, which knows nothing of the one before. */
  async function rebuild(slot: EdgeName, generation: number): Promise<void> {
    const { host, stateDir } = fleet.agents[slot];
    await host.stopAll();
    await host.attempt('ip', ['link', 'delete', host.wireguardInterface]);
    await host.exec('nft', ['flush', 'ruleset']);
    rmSync(stateDir, { recursive: true });
    const machine = await fleet.createMachine(slot, 'edge', host, generation);
    const path = `edges/${slot}.yaml`;
    const text = fleet.files[path]!.replace(/^(generation|state): .*\n/gm, '').replace(
      /^token: .*$/m,
      `token: sha256:${machine.tokenSha256}\ngeneration: ${generation}`,
    );
    await fleet.developer.commit({ [path]: text }, `${slot} is another machine`);
    const joined = await machine.join();
    expect(joined, joined.stderr).toMatchObject({ exitCode: 0 });
    await machine.start();
  }

  it(`serves every hostname each of ${REBUILDS} times, and orders nothing`, { timeout: PLAY_MS }, async () => {
    const slots = Array.from({ length: REBUILDS }, (_, index) => (index % 2 ? 'osaka-1' : 'tokyo-1') as EdgeName);
    for (const [index, slot] of slots.entries()) {
      await rebuild(slot, index + 2);
      for (const [hostname, origin] of Object.entries(HOSTS))
        await liveEverywhere(fleet, hostname, origin, REBUILT_MS, [slot]);
    }
    expect(await orders()).toEqual({ 'app.hoge.com': 1, 'wiki.fuga.com': 1 });
  });

  it('is compromised, and each name is ordered once more', { timeout: PLAY_MS }, async () => {
    const before = keysOn('osaka-1');
    const path = 'edges/tokyo-1.yaml';
    const compromised = `${fleet.files[path]!.replace(/^(generation|state): .*\n/gm, '')}state: compromised\ngeneration: 9\n`;
    // Before anything else: what it answers an authority would count.
    await fleet.powerOff('tokyo-1');
    for (const hostname of Object.keys(HOSTS)) await fleet.dns.setAddresses(hostname, [PUBLIC['edge-2'].ipv4]);
    await fleet.developer.commit({ [path]: compromised }, 'somebody else was on tokyo-1');
    await vi.waitFor(() => expect(keysOn('osaka-1').filter((key) => before.includes(key))).toEqual([]), REORDERED_MS);
    for (const [hostname, origin] of Object.entries(HOSTS))
      await liveEverywhere(fleet, hostname, origin, REBUILT_MS, ['osaka-1']);
    const status = await fleet.agents['osaka-1'].command(['status', '--output', 'metrics']);
    expect(status.stdout).toContain('kokoa_agent_certificates_exposed 0');

    // Its place is taken by another machine while its file says no more who it was: nothing is ordered for that.
    await rebuild('tokyo-1', 10);
    for (const [hostname, origin] of Object.entries(HOSTS))
      await liveEverywhere(fleet, hostname, origin, REBUILT_MS, ['tokyo-1']);
    expect(keysOn('tokyo-1')).toEqual(keysOn('osaka-1'));
    expect(await orders()).toEqual({ 'app.hoge.com': 2, 'wiki.fuga.com': 2 });
  });

  const orders = async () => Object.fromEntries(await fleet.pebble.finalisedOrders());
  const keysOn = (slot: EdgeName) =>
    Object.keys(HOSTS).map((hostname) =>
      readFileSync(join(fleet.agents[slot].stateDir, 'certs', hostname, 'key.pem'), 'utf8'),
    );
});
