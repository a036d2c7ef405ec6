// The edge that orders a certificate dies in the middle of it: another one takes over, the name is served, and the CA has finalised two orders of
// it at most. Once the agent dies alone, and its certbot brings the order to an end that nobody hears of; once the plug is pulled.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC } from '../../lab/addresses.ts';
import { liveEverywhere } from '../../lab/ask.ts';
import { joining } from '../../lab/chapter-joining.ts';
import { routeFile } from '../../lab/example-data.ts';
import { type Fleet, startFleet } from '../../lab/fleet.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { pidWithTitle } from '../../lab/process-table.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { EDGES, type EdgeName, SLOTS } from '../../lab/world.ts';

const PLAY_MS = 400_000;
const BEGUN_MS = 60_000;
/** An edge counts as silent after 90 s. */
const TAKEN_OVER_MS = 200_000;
const BACK_MS = 60_000;
const LOOK_EVERY_MS = 20;

const mode = labMode();
if (mode.mode === 'loopback' && process.env.CI === 'true') throw new Error(`the lab cannot run here: ${mode.why}`);

describe.runIf(mode.mode === 'full')('an orderer that dies in the middle of an order', () => {
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

  /** The edge on which certbot orders this name now. */
  async function orderOf(hostname: string): Promise<EdgeName> {
    const title = new RegExp(`certbot.*--domains=${hostname.replaceAll('.', '\\.')}( |$)`);
    const deadline = performance.now() + BEGUN_MS;
    while (performance.now() < deadline) {
      const edge = EDGES.find((slot) => pidWithTitle(fleet.agents[slot].host.namespace!, title) !== undefined);
      if (edge) return edge;
      await delay(LOOK_EVERY_MS);
    }
    throw new Error(`nobody ordered ${hostname} within ${BEGUN_MS / 1000} s`);
  }

  it.each([
    ['late.hoge.com', 'its agent', async (edge: EdgeName) => fleet.agents[edge].agent().kill9()],
    ['later.hoge.com', 'its machine', async (edge: EdgeName) => fleet.powerOff(edge)],
  ] as const)('%s: %s', { timeout: PLAY_MS }, async (hostname, _, kill) => {
    await fleet.prepareHost(hostname);
    const ordered = orderOf(hostname);
    await fleet.developer.commit({ [`routes/hoge/${hostname}.yaml`]: routeFile(hostname, 'home', 8080) }, 'late');
    const lost = await ordered;
    await kill(lost);
    const other = EDGES.filter((edge) => edge !== lost);
    // Where somebody has to do that still: an authority would look at the machine that is gone.
    const addresses = other.map((edge) => PUBLIC[SLOTS[edge].host].ipv4);
    await fleet.dns.setAddresses(hostname, addresses);
    await liveEverywhere(fleet, hostname, 'home', TAKEN_OVER_MS, other);
    await fleet.agents[lost].start();
    await liveEverywhere(fleet, hostname, 'home', BACK_MS);
    const count = (await fleet.pebble.finalisedOrders()).get(hostname) ?? 0;
    expect([1, 2]).toContain(count);
  });
});
