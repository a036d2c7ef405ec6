// What a publish would change, as a value: sorted, serialisable, with a hash. Hosts and nodes only, so that what people approve
// is the effect and not the text that causes it.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { NodeRole, WireBackend } from '../../bundle/config.ts';
import type { Path, Route } from '../../schemas/types.ts';
import { chunkEntries } from './chunks.ts';
import type { Compiled } from './compile.ts';
import type { FleetNode } from './fleet.ts';
import { backendsOf } from './route-targets.ts';
import type { RouteChunks, RouteEntry } from './routing.ts';
import { hasDestination } from './wire/path.ts';

/** Where a hostname goes: the pool that serves it, and the services that answer. */
export interface HostTarget {
  pool: string;
  /** Ordered; empty for a redirect. */
  backends: PlannedBackend[];
  /** The paths that go elsewhere, sorted by prefix. */
  paths?: { prefix: string; backends: PlannedBackend[] }[];
  /** The URL that visitors are sent to instead. */
  redirect?: string;
}

/** A service as the route names it: the port under which a tunnel reaches one behind the origin is nobody's concern. */
export interface PlannedBackend {
  origin: string;
  /** The origin's own, inside the network. */
  address: string;
  /** Behind the origin. */
  host?: string;
  port: number;
  backup?: true;
}

export interface PlannedNode {
  node: string;
  role: NodeRole;
  /** Edges only. */
  pool?: string;
}

/** All lists sorted by name, by code unit. A node that changes role or pool is removed and added. A closed host counts as none. */
export interface Plan {
  hosts: {
    added: { hostname: string; to: HostTarget }[];
    removed: { hostname: string; from: HostTarget }[];
    moved: { hostname: string; from: HostTarget; to: HostTarget }[];
  };
  nodes: { added: PlannedNode[]; removed: PlannedNode[] };
}

/** The plan from what is published (undefined: nothing) to `candidate`. Looks only into buckets that differ. */
export function planOf(published: Compiled | undefined, candidate: Compiled): Plan {
  const from = new Map<string, HostTarget>();
  const to = new Map<string, HostTarget>();
  const before = published?.routing.pools ?? new Map<string, RouteChunks>();
  const after = candidate.routing.pools;
  for (const pool of new Set([...before.keys(), ...after.keys()])) {
    const { gone, come } = differingEntries(before.get(pool), after.get(pool));
    for (const entry of gone) if (!entry.wire.closed) from.set(entry.hostname, targetOf(pool, entry));
    for (const entry of come) if (!entry.wire.closed) to.set(entry.hostname, targetOf(pool, entry));
  }
  return { hosts: hostChanges(from, to), nodes: nodeChanges(published?.fleet ?? [], candidate.fleet) };
}

/** What an override names: sha256 of the canonical plan. Nothing of `guards` is in it, or an override could not name itself. */
export function planHash(plan: Plan): string {
  return sha256Hex(canonicalJson(plan));
}

export function isEmptyPlan({ hosts, nodes }: Plan): boolean {
  return [hosts.added, hosts.removed, hosts.moved, nodes.added, nodes.removed].every((list) => list.length === 0);
}

/** Every open hostname and its target, sorted by name. */
export function hostsOf(compiled: Compiled): Map<string, HostTarget> {
  const hosts: [string, HostTarget][] = [];
  for (const [pool, chunks] of compiled.routing.pools) {
    for (const entry of chunkEntries(chunks))
      if (!entry.wire.closed) hosts.push([entry.hostname, targetOf(pool, entry)]);
  }
  return new Map(hosts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every node that has a config, sorted by name. */
export function nodesOf(compiled: Compiled): PlannedNode[] {
  return compiled.fleet.map(plannedNode);
}

/** Without those that are closed. */
export function countHosts({ routing }: Compiled): number {
  return [...routing.pools.values()].reduce((sum, { count }) => sum + count, 0) - routing.closed;
}

/** The entries that are in only one of two sets. An update keeps the entries it did not touch, so identity tells them apart. */
function differingEntries(a: RouteChunks | undefined, b: RouteChunks | undefined) {
  const gone = new Set<RouteEntry>();
  const come = new Set<RouteEntry>();
  const sameNames = a?.digits === b?.digits;
  for (const [name, bucket] of a?.buckets ?? []) {
    if (!sameNames || b?.buckets.get(name) !== bucket) for (const entry of bucket.entries) gone.add(entry);
  }
  for (const [name, bucket] of b?.buckets ?? []) {
    if (sameNames && a?.buckets.get(name) === bucket) continue;
    for (const entry of bucket.entries) if (!gone.delete(entry)) come.add(entry);
  }
  return { gone, come };
}

function hostChanges(from: ReadonlyMap<string, HostTarget>, to: ReadonlyMap<string, HostTarget>): Plan['hosts'] {
  const hosts: Plan['hosts'] = { added: [], removed: [], moved: [] };
  for (const hostname of [...new Set([...from.keys(), ...to.keys()])].sort()) {
    const [old, next] = [from.get(hostname), to.get(hostname)];
    if (old === undefined) hosts.added.push({ hostname, to: next! });
    else if (next === undefined) hosts.removed.push({ hostname, from: old });
    else if (canonicalJson(old) !== canonicalJson(next)) hosts.moved.push({ hostname, from: old, to: next });
  }
  return hosts;
}

function nodeChanges(from: readonly FleetNode[], to: readonly FleetNode[]): Plan['nodes'] {
  const [before, after] = [from, to].map((fleet) => new Map(fleet.map((node) => [identityOf(node), node])));
  const only = (some: Map<string, FleetNode>, others: Map<string, FleetNode>): PlannedNode[] =>
    [...some].filter(([identity]) => !others.has(identity)).map(([, node]) => plannedNode(node));
  return { added: only(after!, before!), removed: only(before!, after!) };
}

function identityOf({ node, role, pool }: FleetNode): string {
  return `${node} ${role} ${pool ?? ''}`;
}

function plannedNode({ node, role, pool }: FleetNode): PlannedNode {
  return { node, role, ...(pool !== undefined && { pool }) };
}

function targetOf(pool: string, { route, wire }: RouteEntry): HostTarget {
  const wirePaths = new Map(wire.paths?.map((path) => [path.prefix, path]));
  const paths = (route.paths ?? []).filter(hasDestination).map((path) => {
    const { prefix } = path;
    return { prefix, backends: plannedBackends(path, wirePaths.get(prefix)?.backends ?? []) };
  });
  paths.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  return {
    pool,
    backends: plannedBackends(route, wire.backends),
    ...(paths.length > 0 && { paths }),
    ...(wire.redirect && { redirect: wire.redirect.to }),
  };
}

/** `wire` has one backend for each that the place names, in its order. */
function plannedBackends(place: Route | Path, wire: readonly WireBackend[]): PlannedBackend[] {
  return backendsOf(place).map(({ origin, host, port }, index) => ({
    origin,
    address: wire[index]?.address ?? '',
    ...(host !== undefined && { host }),
    port,
    ...(wire[index]?.backup && { backup: true as const }),
  }));
}
