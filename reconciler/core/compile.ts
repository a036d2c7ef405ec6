// Desired state to node configs. Law: a pure function; the same state is the same bytes under any order of files, time zone or
// locale, and no time, commit or path stands in the result. `now` only decides which leases still count and which routes are over.
import { canonicalJson } from '../../bundle/canonical.ts';
import { CONFIG_FORMAT, type EdgePart, type NodeConfig } from '../../bundle/config.ts';
import type { BoundEnrolment, Lease } from '../ports/store.ts';
import { askedOf, sameAsked } from './asked-origins.ts';
import { chunkReferences } from './chunks.ts';
import { type Desired, portsOf } from './desired.ts';
import {
  edgePeers,
  type FleetNode,
  fleetOf,
  originPeers,
  poolMembers,
  type Settings,
  settingsOf,
  unannouncedOf,
} from './fleet.ts';
import { forwardsOf, sameForwards } from './forwards.ts';
import { edgeChecks } from './health/edge-checks.ts';
import { lookup } from './persistent-map.ts';
import { type RouteChunks, type Routing, routingOf } from './routing.ts';
import type { Sealed } from './sealed.ts';
import { compromisedByPool } from './slots.ts';

export interface CompileInput {
  desired: Desired;
  enrolments: ReadonlyMap<string, BoundEnrolment>;
  leases: readonly Lease[];
  /** Edges that count as silent: others order their certificates. Absent: those of what was compiled before. */
  silent?: ReadonlySet<string>;
  sealed: Sealed;
  now: Date;
}

export interface CompiledNode {
  config: NodeConfig;
}

export interface Compiled {
  /** Every slot that is neither revoked nor compromised, sorted by name. */
  readonly nodes: ReadonlyMap<string, CompiledNode>;
  /** sha256 → canonical text of every chunk that a config refers to. */
  readonly blobs: ReadonlyMap<string, string>;
  /** One line per node that is left out of some list, with what it has not announced. */
  readonly unannounced: readonly string[];
  readonly desired: Desired;
  readonly fleet: readonly FleetNode[];
  readonly routing: Routing;
  /** Equal texts: all that configs take from elsewhere than routes is equal. */
  readonly fleetText: string;
  /** By edge: whom it looks at. */
  readonly checks: ReturnType<typeof edgeChecks>;
}

/**
 * Compiles everything, or with `previous` only what changed since: the result is the same, the config of a node that nothing
 * touched is the same object, and the cost is that of the touched hosts and the number of nodes.
 * @throws KokoaError kokoa_missing
 */
export function compile(input: CompileInput, previous?: Compiled): Compiled {
  const { desired, enrolments } = input;
  const settings = settingsOf(desired);
  const fleet = fleetOf(desired, settings, enrolments);
  const routing = routingOf(input, settings, fleet, previous?.routing);
  const compromised = compromisedByPool(desired, settings.defaultPool);
  const fleetText = canonicalJson({ settings, fleet, compromised });
  const known = fleetText === previous?.fleetText ? previous : undefined;
  const checks = known?.checks ?? edgeChecks(fleet, settings);
  const { pools, streams } = routing;
  const references = new Map([...pools].map(([pool, chunks]) => [pool, chunkReferences(chunks)]));
  const edgePart = (pool: string): EdgePart => ({
    pool,
    members: poolMembers(fleet, pool),
    acme: settings.acme,
    ...(compromised[pool] && { compromised: compromised[pool] }),
    chunks: references.get(pool) ?? [],
    ...(streams.has(pool) && { streams: [...streams.get(pool)!.list] }),
    ...settings.pools[pool],
  });

  const nodes = new Map<string, CompiledNode>();
  for (const node of fleet) {
    const before = known?.nodes.get(node.node);
    const unchanged = before && known && sameRoutes(node, routing, known.routing) ? before : undefined;
    nodes.set(node.node, unchanged ?? { config: configOf(node, fleet, settings, desired, edgePart, checks) });
  }
  return {
    nodes,
    blobs: blobsOf(fleet, pools),
    unannounced: known?.unannounced ?? unannouncedOf(fleet),
    desired,
    fleet,
    routing,
    fleetText,
    checks,
  };
}

/** The chunks of `candidate` that a store which holds all of `published` lacks. */
export function newBlobs(
  published: Pick<Compiled, 'blobs'> | undefined,
  candidate: Pick<Compiled, 'blobs'>,
): Map<string, string> {
  return new Map([...candidate.blobs].filter(([sha256]) => !published?.blobs.has(sha256)));
}

function configOf(
  node: FleetNode,
  fleet: readonly FleetNode[],
  settings: Settings,
  desired: Desired,
  edgePart: (pool: string) => EdgePart,
  checks: ReturnType<typeof edgeChecks>,
): NodeConfig {
  const isEdge = node.role === 'edge';
  const base = {
    format: CONFIG_FORMAT,
    node: node.node,
    network: { wireguard: settings.network },
    wireguard: {
      address: node.address,
      ...(node.port !== undefined && { port: node.port }),
      peers: isEdge ? edgePeers(fleet) : originPeers(fleet, node),
    },
    controlPlane: { urls: settings.urls },
  } as const;
  const looks = checks.get(node.node);
  if (isEdge) return { ...base, role: 'edge', edge: { ...edgePart(node.pool!), ...(looks && { checks: looks }) } };
  const udpPorts = portsOf(desired, node.node, 'udp');
  const forwards = forwardsOf(desired, node.node);
  const asked = askedOf(desired, node.node);
  const origin = {
    ports: portsOf(desired, node.node),
    ...(udpPorts.length > 0 && { udpPorts }),
    ...(forwards.length > 0 && { forwards }),
    ...(asked && { asked }),
  };
  return { ...base, role: 'origin', origin };
}

/** True when what routes contribute to this node's config is what it was. */
function sameRoutes(node: FleetNode, next: Routing, before: Routing): boolean {
  const pool = node.pool!;
  if (node.role === 'edge')
    return (
      next.pools.get(pool) === before.pools.get(pool) && next.streams.get(pool)?.list === before.streams.get(pool)?.list
    );
  const portsIn = ({ desired }: Routing) => lookup(desired.ports, node.node);
  return (
    portsIn(next) === portsIn(before) &&
    sameAsked(before.desired, next.desired, node.node) &&
    sameForwards(before.desired, next.desired, node.node)
  );
}

function blobsOf(fleet: readonly FleetNode[], pools: ReadonlyMap<string, RouteChunks>): Map<string, string> {
  const blobs = new Map<string, string>();
  for (const pool of new Set(fleet.map((node) => node.pool))) {
    const buckets = pool === undefined ? undefined : pools.get(pool)?.buckets.values();
    for (const { reference, text } of buckets ?? []) blobs.set(reference.sha256, text);
  }
  return blobs;
}
