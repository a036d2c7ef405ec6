// Where visitors are sent: what git says and how the edges are become records in DNS. Law: it flows one way, and nothing of it waits for a
// publish or holds one up.
import type { Desired } from './core/desired.ts';
import { meaningOf, poolNames } from './core/dns/wanted-records.ts';
import type { PoolRules, Transition } from './core/health/pool-members.ts';
import { createDnsRecords, type DnsRecordsParts, zonesOf } from './dns/keep-records.ts';
import type { ZoneStanding } from './dns/zone-standing.ts';
import { createFleetHealth, type EdgeStanding, type LiveFleet } from './fleet-health.ts';
import { createOwnLooks } from './own-looks.ts';
import type { HeardNodes } from './ports/heard-nodes.ts';
import type { KeptMembers } from './ports/kept-members.ts';
import type { KeptNames } from './ports/kept-names.ts';
import type { Standing } from './standing.ts';
import type { OperatorsTold } from './tell-operators.ts';

/** How often it is judged who serves, beside every report and every look of our own that brings something new. */
const LOOK_MS = 5_000;
const MIN_HEALTHY_DEFAULT = 1;

export interface VisitorsParts extends Pick<DnsRecordsParts, 'owner' | 'access' | 'log'> {
  store: KeptMembers & KeptNames;
  heard: HeardNodes;
  silent(): ReadonlySet<string>;
  wrote?: DnsRecordsParts['wrote'];
  /** Operators. */
  told: Pick<OperatorsTold, 'edge' | 'edges' | 'zone'>;
  /** ms since the epoch. */
  now(): number;
}

export interface Visitors {
  /** @throws when the store fails */
  restore(): Promise<void>;
  /** What is live, each time that it may have changed. Cheap. */
  live(standing: Standing): void;
  /** An edge said how it is, or we saw something. Cheap. */
  seen(): void;
  edges(): EdgeStanding[];
  zones(): ZoneStanding[];
  /** Until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export function createVisitors(parts: VisitorsParts): Visitors {
  const { store, log, now } = parts;
  let isTold = false;
  const looks = createOwnLooks({ seed: parts.owner, now, seen: () => void health.look() });
  const health = createFleetHealth({
    ...{ kept: store, heard: parts.heard, silent: parts.silent, own: looks.views, now },
    told(pool, transition) {
      tell(log, pool, transition);
      parts.told.edge(transition);
    },
    moved: () => records.membersMoved(),
    failed: (error) =>
      log.warn({ reason: String(error).slice(0, 300) }, 'which edges are in DNS could not be kept; will try again'),
  });
  const records = createDnsRecords({
    ...{ owner: parts.owner, access: parts.access, log, now, kept: store, addressesOf: health.addressesOf },
    ...(parts.wrote && { wrote: parts.wrote }),
    moved: parts.told.zone,
  });
  return {
    restore: health.restore,
    live({ live, compiled }) {
      if (compiled === undefined) return;
      const { fleet, routing } = compiled;
      looks.live(fleet, routing.settings);
      health.live({ fleet, pools: rulesOf(live) });
      records.live(live);
      // As it stood before a restart: what changed meanwhile is told then.
      if (!isTold) parts.told.edges(health.standings());
      isTold = true;
      void health.look();
    },
    seen: () => void health.look(),
    edges: health.standings,
    zones: records.standings,
    async run(signal) {
      const looking = setInterval(() => void health.look(), LOOK_MS);
      await Promise.all([records.run(signal), looks.run(signal)]);
      clearInterval(looking);
    },
  };
}

/** Of the pools whose name stands in a zone that is written. */
function rulesOf(live: Desired): LiveFleet['pools'] {
  const written = zonesOf(live);
  const named = poolNames(live.kokoa?.value);
  const pools = live.kokoa?.value?.pools ?? [];
  return new Map(
    pools.flatMap(({ name, minHealthy = MIN_HEALTHY_DEFAULT }): [string, PoolRules][] => {
      const meaning = meaningOf(named.get(name)?.hostname ?? '', live);
      return meaning !== undefined && written.has(meaning.zone) ? [[name, { minHealthy }]] : [];
    }),
  );
}

function tell(log: VisitorsParts['log'], pool: string, transition: Transition): void {
  const { kind, edge } = transition;
  const fields = { edge, pool, ...('reason' in transition && { reason: transition.reason }) };
  if (kind === 'entered') log.info(fields, 'visitors are sent to an edge');
  if (kind === 'returned') log.info(fields, 'an edge is healthy again: visitors are sent to it');
  if (kind === 'left') log.info(fields, 'an edge leaves: visitors are sent to others');
  if (kind === 'withdrawn') log.warn(fields, 'an edge is unhealthy: visitors are sent to others');
  if (kind === 'kept') log.warn(fields, 'an edge should leave DNS and stays');
  if (kind === 'kept_no_more') log.info(fields, 'an edge that stayed in DNS is healthy again');
}
