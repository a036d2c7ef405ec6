// Edges die, and visitors are sent to others by themselves: real agents, nginx and tunnels, a real primary server that takes DNS UPDATE. A dead
// edge leaves it within seconds; when all are dead, or the reconciler is cut off, nothing changes; and an edge that flaps is no flood of writes.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PUBLIC } from '../../lab/addresses.ts';
import { liveEverywhere } from '../../lab/ask.ts';
import { type Authority, startAuthority } from '../../lab/authority.ts';
import { type CachingResolver, startCachingResolver } from '../../lab/caching-resolver.ts';
import { joining } from '../../lab/chapter-joining.ts';
import { blackHole, cutLink, endBlackHole, restoreLink } from '../../lab/faults.ts';
import { type Fleet, startFleet } from '../../lab/fleet.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { EDGES, type EdgeName, SLOTS } from '../../lab/world.ts';

const PLAY_MS = 900_000;
const ZONE = 'hoge.com';
const POOL = 'edges.hoge.com';
const BOTH = [PUBLIC['edge-1'].ipv4, PUBLIC['edge-2'].ipv4];
const ROUNDS = 10;
const P50_MS_MAX = 15_000;
const WITHDRAWN_MS_MAX = 60_000;
/** Of the pool's addresses. */
const TTL_MS = 30_000;
/** A resolver counts whole seconds. */
const CACHED_MS_MAX = TTL_MS + 1_500;
const FLAP_MS = 5_000;
const FLAPPING_MS = 300_000;
const FLAP_WRITES_MAX = 3;

function inSeconds(took: readonly number[]): string {
  return `p50 ${(median(took) / 1000).toFixed(1)} s of ${took.map((ms) => (ms / 1000).toFixed(1)).join(' ')}`;
}

function median(took: readonly number[]): number {
  return took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)]!;
}

const mode = labMode();
if (mode.mode === 'loopback' && process.env.CI === 'true') throw new Error(`the lab cannot run here: ${mode.why}`);

describe.runIf(mode.mode === 'full')('an edge that dies', () => {
  let run: Run;
  let fleet: Fleet;
  let authority: Authority;
  /** Of a visitor: it keeps what it was told for its TTL. */
  let resolver: CachingResolver;

  beforeAll(async () => {
    run = createRun();
    fleet = await startFleet(run);
    authority = await startAuthority(fleet.network, [ZONE]);
    authority.giveKey(fleet.secretsDir, 'lab-tsig');
    resolver = await startCachingResolver(fleet.network.hosts.client, ZONE, authority.server);
    for (const scene of joining) await scene.play(fleet);
    const kokoa = fleet.files['kokoa.yaml']!.replace(
      / {2}- name: hoge\.com\n {4}provider: manual\n/,
      `  - name: hoge.com\n    provider: rfc2136\n    server: ${authority.server}\n    credentials: {file: lab-tsig}\n`,
    ).replace(/^( {2}- name: default)$/m, `$1\n    hostname: ${POOL}`);
    expect(kokoa).toContain(`hostname: ${POOL}`);
    expect(kokoa).toContain('lab-tsig');
    // Whom edges look at is a setting that goes out in waves: here without a pause between them.
    await fleet.developer.commit({ 'kokoa.yaml': `${kokoa}rollout:\n  soak: 0\n` }, 'the reconciler writes hoge.com');
    await liveEverywhere(fleet, 'app.hoge.com', 'home', 90_000);
    await inDns(BOTH, 60_000);
    await vi.waitFor(async () => expect(await authority.alias('app.hoge.com')).toBe(POOL), { timeout: 30_000 });
    await vi.waitFor(async () => expect(await viewsOf(EDGES)).toEqual([2, 2]), { timeout: 60_000, interval: 500 });
  }, PLAY_MS);

  afterAll(async () => {
    expect(await run?.end()).toEqual([]);
  }, 30_000);

  const addressOf = (edge: EdgeName) => PUBLIC[SLOTS[edge].host].ipv4;
  const linkOf = (edge: EdgeName) => fleet.network.link(fleet.agents[edge].host);

  /** How long it took. */
  async function inDns(expected: readonly string[], timeoutMs: number): Promise<number> {
    return named(authority, expected, timeoutMs);
  }

  /** How long it took until who asks is told no other addresses. */
  async function named(
    asked: Pick<Authority, 'addresses'>,
    expected: readonly string[],
    timeoutMs: number,
  ): Promise<number> {
    const since = performance.now();
    for (;;) {
      const found = await asked.addresses(POOL);
      const ms = performance.now() - since;
      if (found.join() === [...expected].sort().join()) return ms;
      if (ms > timeoutMs)
        throw new Error(
          `${POOL} is ${found.join(' ')}, expected ${expected.join(' ')}\n${fleet.reconciler().log().slice(-3_000)}`,
        );
      await delay(50);
    }
  }

  /** How many see each of the edges serve. */
  async function viewsOf(edges: readonly EdgeName[]): Promise<number[]> {
    const header = `authorization: Bearer ${fleet.agents['tokyo-1'].token}`;
    const url = `${fleet.controlUrl}/api/v1/edges`;
    const asked = ['-sS', '--max-time', '5', '--cacert', fleet.pki.caFile, '-H', header, url];
    const { stdout } = await fleet.network.hosts.control.exec('curl', asked);
    const shown = JSON.parse(stdout) as { edges: { name: string; health: { votes: { up: boolean }[] } }[] };
    return edges.map(
      (name) => shown.edges.find((one) => one.name === name)!.health.votes.filter(({ up }) => up).length,
    );
  }

  /** Each round begins as if no edge had ever fallen: how slowly one that falls often returns is seen elsewhere. */
  async function forgetFalls(): Promise<void> {
    await fleet.reconciler().stop();
    const database = new DatabaseSync(join(fleet.network.hosts.control.directory, 'data', 'store', 'kokoa.sqlite'));
    database.exec('UPDATE pool_members SET falls = 0');
    database.close();
    await fleet.startReconciler();
  }

  it('the names of visitors lead to the pool, and that to its edges', async () => {
    expect(await authority.alias('app.hoge.com')).toBe(POOL);
    expect(await authority.addresses(POOL)).toEqual(BOTH);
  });

  it(`${ROUNDS} times: it is out of the authority within seconds, and back when it is well`, {
    timeout: PLAY_MS,
  }, async () => {
    const took: number[] = [];
    const cached: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const edge = EDGES[round % EDGES.length]!;
      const others = BOTH.filter((address) => address !== addressOf(edge));
      // Half of them answer nothing at all, the others refuse connections.
      const isSilent = round % 4 < 2;
      // It has just asked, so what it was told before the edge died counts for the whole TTL.
      await named(resolver, BOTH, CACHED_MS_MAX);
      const visitors = named(resolver, others, WITHDRAWN_MS_MAX + CACHED_MS_MAX);
      if (isSilent) await blackHole(linkOf(edge));
      else await fleet.powerOff(edge);
      took.push(await inDns(others, WITHDRAWN_MS_MAX));
      cached.push(await visitors);
      if (isSilent) await endBlackHole(linkOf(edge));
      else await fleet.agents[edge].start();
      await inDns(BOTH, 120_000);
      await forgetFalls();
      // After a start everybody is looked at anew.
      await vi.waitFor(async () => expect(await viewsOf(EDGES)).toEqual([2, 2]), { timeout: 60_000, interval: 500 });
      expect(await authority.addresses(POOL)).toEqual(BOTH);
    }
    process.stdout.write(`edge dead → out of the authority: ${inSeconds(took)}\n`);
    process.stdout.write(`edge dead → out of a resolver that honours the TTL: ${inSeconds(cached)}\n`);
    expect(median(took)).toBeLessThanOrEqual(P50_MS_MAX);
    for (const [round, ms] of cached.entries()) expect(ms - took[round]!).toBeLessThanOrEqual(CACHED_MS_MAX);
  });

  it('when all are dead, and when the reconciler is cut off, the records stay as they are', {
    timeout: PLAY_MS,
  }, async () => {
    const serial = await authority.serial(ZONE);
    for (const edge of EDGES) await blackHole(linkOf(edge));
    await delay(60_000);
    expect(await authority.addresses(POOL)).toEqual(BOTH);
    for (const edge of EDGES) await endBlackHole(linkOf(edge));
    await delay(20_000);
    const control = fleet.network.link(fleet.network.hosts.control);
    await cutLink(control);
    await delay(90_000);
    await restoreLink(control);
    await delay(20_000);
    expect(await authority.addresses(POOL)).toEqual(BOTH);
    expect(await authority.serial(ZONE)).toBe(serial);
  });

  it('an edge that flaps for five minutes is written a few times', { timeout: PLAY_MS }, async () => {
    const before = await authority.serial(ZONE);
    const until = performance.now() + FLAPPING_MS;
    while (performance.now() < until) {
      await blackHole(linkOf('osaka-1'));
      await delay(FLAP_MS);
      await endBlackHole(linkOf('osaka-1'));
      await delay(FLAP_MS);
    }
    const writes = (await authority.serial(ZONE)) - before;
    process.stdout.write(`flapping every ${FLAP_MS / 1000} s for ${FLAPPING_MS / 1000} s: ${writes} writes\n`);
    expect(writes).toBeLessThanOrEqual(FLAP_WRITES_MAX);
  });
});
