// Which edges visitors are sent to, while the reconciler runs: everybody's views are gathered, judged, and what was decided is kept. Law: what is
// in the store is what DNS is told; a decision that cannot be kept is not carried out.
import { setTimeout as delay } from 'node:timers/promises';
import type { FleetNode } from './core/fleet.ts';
import { type Evidence, judgeEdge, reasonOf, type Verdict, type View } from './core/health/edge-verdict.ts';
import { poolAddresses } from './core/health/pool-addresses.ts';
import { type Candidate, type Member, type PoolRules, stepPool, type Transition } from './core/health/pool-members.ts';
import type { HeardNodes } from './ports/heard-nodes.ts';
import type { KeptMembers } from './ports/kept-members.ts';

/** What an edge said of others counts for so long: it reports at least every 20 s. */
export const VIEW_MS_MAX = 45_000;
const LOOK_EVERY_MS = 250;

export interface FleetHealthParts {
  kept: KeptMembers;
  heard: HeardNodes;
  /** What the reconciler itself sees, by edge. */
  own(): ReadonlyMap<string, View>;
  /** Edges whose reports stopped although others are heard (core/orderer-health.ts). */
  silent(): ReadonlySet<string>;
  /** Told after it was kept. */
  told(pool: string, transition: Transition): void;
  /** Visitors are to be sent elsewhere. */
  moved(): void;
  failed(error: unknown): void;
  /** Between two looks at the least, whoever asks; default 250 ms. */
  lookEveryMs?: number;
  /** ms since the epoch. */
  now(): number;
}

/** The fleet as it is live. */
export interface LiveFleet {
  fleet: readonly FleetNode[];
  /** Pools whose name in DNS is ours to write, and what they ask for. */
  pools: ReadonlyMap<string, PoolRules>;
}

/** An edge as it is shown to people. */
export interface EdgeStanding {
  edge: string;
  pool: string;
  verdict: Verdict;
  /** Absent: nobody but people writes the name of its pool. */
  member?: Member;
}

export interface FleetHealth {
  /** Reads what was decided before. To be called once, first. @throws when the store fails */
  restore(): Promise<void>;
  /** Judges anew. Cheap, and safe to call at every report: calls that come meanwhile are one. Never throws. */
  look(): Promise<void>;
  live(fleet: LiveFleet): void;
  /** Of a pool: where visitors are sent. */
  addressesOf(pool: string): string[];
  standings(): EdgeStanding[];
}

const NO_FLEET: LiveFleet = { fleet: [], pools: new Map() };

export function createFleetHealth(parts: FleetHealthParts): FleetHealth {
  const { kept, heard, now, lookEveryMs = LOOK_EVERY_MS } = parts;
  let known: ReadonlyMap<string, readonly Member[]> = new Map();
  let verdicts = new Map<string, Verdict>();
  let live = NO_FLEET;
  let looking: Promise<void> | undefined;
  let again = false;
  let sentTo = '';

  /** Somebody else than this edge was heard lately: then our own network works. */
  function isWitnessed(edge: string, edges: readonly FleetNode[]): boolean {
    return edges.some(({ node }) => node !== edge && isFresh(node));
  }

  function isFresh(node: string): boolean {
    const seenMs = heard.report(node)?.lastSeenMs;
    return seenMs !== undefined && Math.abs(now() - seenMs) < VIEW_MS_MAX;
  }

  function evidenceOf(edge: string): Evidence {
    const { fleet } = live;
    const seen = parts.own();
    const own = isWitnessed(edge, fleet) ? seen.get(edge) : undefined;
    const peers = new Map<string, View>();
    for (const { node, role } of fleet) {
      // Whoever does not answer us may be cut off itself, and may not keep others out.
      if (role !== 'edge' || node === edge || !isFresh(node) || seen.get(node)?.up === false) continue;
      const view = heard.report(node)?.report.checks?.find((check) => check.node === edge);
      if (view) peers.set(node, view);
    }
    return { own, peers, isSilent: parts.silent().has(edge) };
  }

  function candidateOf({ node, state, publicAddresses }: FleetNode): Candidate {
    const verdict = verdicts.get(node)!;
    return {
      ...{ edge: node, verdict: verdict.state, reason: reasonOf(verdict) },
      wish: state === 'active' ? 'serve' : 'leaving',
      isReady: publicAddresses !== undefined && heard.report(node)?.report.applied !== undefined,
    };
  }

  async function judgeAll(): Promise<void> {
    const { fleet, pools } = live;
    const edges = fleet.filter(({ role }) => role === 'edge');
    verdicts = new Map(edges.map(({ node }) => [node, judgeEdge(evidenceOf(node))]));
    const byPool = Map.groupBy(edges, ({ pool }) => pool!);
    // A pool without an edge keeps nothing but what stands in DNS.
    for (const pool of known.keys()) if (!byPool.has(pool) || !pools.has(pool)) await save(pool, [], []);
    for (const [pool, rules] of pools) {
      const candidates = byPool.get(pool)?.map(candidateOf);
      if (candidates === undefined) continue;
      const step = stepPool(known.get(pool) ?? [], candidates, rules, now());
      await save(pool, step.members, step.transitions);
    }
  }

  async function save(pool: string, members: readonly Member[], transitions: readonly Transition[]): Promise<void> {
    const before = known.get(pool) ?? [];
    if (JSON.stringify(before) === JSON.stringify(members)) return;
    await kept.savePoolMembers(pool, members);
    const next = new Map(known).set(pool, members);
    if (members.length === 0) next.delete(pool);
    known = next;
    for (const transition of transitions) parts.told(pool, transition);
  }

  /** Other edges, or an edge with another address. */
  function noteAddresses(): void {
    const now = JSON.stringify([...live.pools.keys()].map((pool) => [pool, poolAddresses(pool, live.fleet, known)]));
    if (now === sentTo) return;
    sentTo = now;
    parts.moved();
  }

  async function run(): Promise<void> {
    do {
      again = false;
      await judgeAll().catch(parts.failed);
      noteAddresses();
      if (again && lookEveryMs > 0) await delay(lookEveryMs, undefined, { ref: false });
    } while (again);
    looking = undefined;
  }

  return {
    async restore() {
      known = await kept.poolMembers();
    },
    look() {
      again = true;
      looking ??= run();
      return looking;
    },
    live(fleet) {
      live = fleet;
    },
    addressesOf: (pool) => poolAddresses(pool, live.fleet, known),
    standings: () =>
      live.fleet.flatMap(({ node, role, pool }): EdgeStanding[] => {
        if (role !== 'edge') return [];
        const member = known.get(pool!)?.find(({ edge }) => edge === node);
        const verdict = verdicts.get(node) ?? { state: 'unknown', votes: [] };
        return [{ edge: node, pool: pool!, verdict, ...(member && { member }) }];
      }),
  };
}
