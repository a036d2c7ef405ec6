// An edge falls silent while the loop runs: others order its certificates, until it is heard steadily. Time is simulated.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EdgeConfig } from '../bundle/config.ts';
import type { PackedChunk } from '../bundle/route-texts.ts';
import { START_GRACE_MS } from './core/orderer-health.ts';
import { createEdgeHealth } from './edge-health.ts';
import { createLoop } from './loop.ts';
import type { Outcome } from './reconcile.ts';
import { configOf, createSite, FLEET, manyRoutes, type Site, START_MS, sha, tokenOf } from './site.fixture.ts';

const MINUTE_MS = 60_000;
const EDGES = ['e1', 'e2'];
let site: Site;
let outcomes: Outcome[];
let news: string[];
let stop: () => Promise<void>;

beforeEach(async () => {
  vi.useFakeTimers({ now: START_MS });
  site = createSite({ ...FLEET, ...manyRoutes(20) });
  for (const node of EDGES) {
    const enrolment = {
      ...{ wireguardPublicKey: keyOf(node), signingKey: `${node}${'k'.repeat(41)}`, formats: [1] },
      ...{ recipient: `age1${node.repeat(29)}`, acmeThumbprint: `${node}${'t'.repeat(41)}` },
    };
    await site.store.saveEnrolment({ node, tokenSha256: sha(tokenOf(node)), generation: 1, enrolment });
  }
  [outcomes, news] = [[], []];
  const health = createEdgeHealth({
    heard: site.deps.heard,
    now: () => performance.now(),
    fell: (edge) => news.push(`${edge} fell`),
    returned: (edge) => news.push(`${edge} returned`),
  });
  const loop = createLoop({
    ...{ ...site.deps, health, now: () => new Date(), pollMs: MINUTE_MS, serve: () => undefined },
    ran: (outcome) => void outcomes.push(outcome),
    failed(error) {
      throw error;
    },
  });
  await loop.restore();
  const stopping = new AbortController();
  const ended = loop.run(stopping.signal);
  stop = () => {
    stopping.abort();
    return ended;
  };
});
afterEach(async () => {
  await stop();
  vi.useRealTimers();
});

/** As site.fixture.ts pins it. */
function keyOf(node: string): string {
  return createHash('sha256').update(`key of ${node}`).digest('base64');
}

/** So much time passes, in which these edges report. */
async function pass(ms: number, heard: readonly string[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20_000) {
    site.clock.ms = Date.now();
    await site.hear(heard);
    await vi.advanceTimersByTimeAsync(20_000);
  }
}

/** Hostname → who orders its certificate, as an edge is told. */
async function orderers(): Promise<Record<string, string | undefined>> {
  const { edge } = (await configOf(site.store, 'e1')) as EdgeConfig;
  const texts = await Promise.all(edge.chunks.map(({ sha256 }) => site.store.blob(sha256)));
  const routes = texts.flatMap((text) => (JSON.parse(text!) as PackedChunk).routes);
  return Object.fromEntries(routes.map(({ hostname, orderer }) => [hostname, orderer]));
}

it('gives the names of a silent edge to the other one, and back', async () => {
  await pass(START_GRACE_MS, EDGES);
  const before = await orderers();
  expect(new Set(Object.values(before))).toEqual(new Set(EDGES));
  await pass(2 * MINUTE_MS, ['e1']);
  expect(news).toEqual(['e2 fell']);
  expect(new Set(Object.values(await orderers()))).toEqual(new Set(['e1']));
  await pass(5 * MINUTE_MS, EDGES);
  expect(news).toEqual(['e2 fell', 'e2 returned']);
  expect(await orderers()).toEqual(before);
  expect(outcomes.filter(({ kind }) => kind === 'published')).toHaveLength(3);
});

it('leaves everything as it is when nobody is heard, and makes no run for looking', async () => {
  await pass(START_GRACE_MS, EDGES);
  const [before, runs] = [await orderers(), outcomes.length];
  await pass(10 * MINUTE_MS, []);
  expect(await orderers()).toEqual(before);
  expect(news).toEqual([]);
  expect(outcomes.length - runs).toBeLessThanOrEqual(12);
});

it('says nothing of an edge that left git while it was silent', async () => {
  await pass(START_GRACE_MS, EDGES);
  await pass(2 * MINUTE_MS, ['e1']);
  site.source.commit({ 'edges/e2.yaml': `${FLEET['edges/e2.yaml']}state: revoked\n` });
  await pass(2 * MINUTE_MS, ['e1']);
  expect(news).toEqual(['e2 fell']);
});
