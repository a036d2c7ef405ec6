// What a publish would change, as a value: sorted, serialisable, with a hash. Hosts, public ports and nodes only, so that what people approve
// is the effect and not the text that causes it.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { NodeRole } from '../../bundle/config.ts';
import { chunkEntries } from './chunks.ts';
import type { Compiled } from './compile.ts';
import type { FleetNode } from './fleet.ts';
import { type HostTarget, hostTarget, type StreamTarget, streamTarget } from './plan-target.ts';
import type { RouteChunks, RouteEntry } from './routing.ts';
import { type Streams, streamName } from './streams.ts';

export interface PlannedNode {
  node: string;
  role: NodeRole;
  /** Edges only. */
  pool?: string;
}

/**
 * All lists sorted by name, by code unit; a public port has the name `tcp 25565`, and is another one in another pool. A node that changes
 * role or pool is removed and added. A closed host counts as none.
 */
export interface Plan {
  hosts: {
    added: { hostname: string; to: HostTarget }[];
    removed: { hostname: string; from: HostTarget }[];
    moved: { hostname: string; from: HostTarget; to: HostTarget }[];
  };
  streams: {
    added: { name: string; to: StreamTarget }[];
    removed: { name: string; from: StreamTarget }[];
    changed: { name: string; from: StreamTarget; to: StreamTarget }[];
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
    for (const entry of gone) if (!entry.wire.closed) from.set(entry.hostname, hostTarget(pool, entry));
    for (const entry of come) if (!entry.wire.closed) to.set(entry.hostname, hostTarget(pool, entry));
  }
  return {
    hosts: hostChanges(from, to),
    streams: streamChanges(published?.routing.streams ?? new Map(), candidate.routing.streams),
    nodes: nodeChanges(published?.fleet ?? [], candidate.fleet),
  };
}

/** What an override names: sha256 of the canonical plan. Nothing of `guards` is in it, or an override could not name itself. */
export function planHash(plan: Plan): string {
  return sha256Hex(canonicalJson(plan));
}

export function isEmptyPlan({ hosts, streams, nodes }: Plan): boolean {
  return [hosts, streams, nodes].every((kind) => Object.values(kind).every((list) => list.length === 0));
}

/** Every open hostname and its target, sorted by name. */
export function hostsOf(compiled: Compiled): Map<string, HostTarget> {
  const hosts: [string, HostTarget][] = [];
  for (const [pool, chunks] of compiled.routing.pools) {
    for (const entry of chunkEntries(chunks))
      if (!entry.wire.closed) hosts.push([entry.hostname, hostTarget(pool, entry)]);
  }
  return new Map(hosts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every open public port and its target, by pool and name. */
export function portsOpenIn({ routing }: Compiled): { name: string; to: StreamTarget }[] {
  return streamChanges(new Map(), routing.streams).added;
}

/** Every node that has a config, sorted by name. */
export function nodesOf(compiled: Compiled): PlannedNode[] {
  return compiled.fleet.map(plannedNode);
}

/** Without those that are closed. */
export function countHosts({ routing }: Compiled): number {
  return [...routing.pools.values()].reduce((sum, { count }) => sum + count, 0) - routing.closed;
}

/** Those that are open. */
export function countStreams({ routing }: Compiled): number {
  return [...routing.streams.values()].reduce((sum, { entries }) => sum + entries.size, 0);
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

function streamChanges(before: Streams, after: Streams): Plan['streams'] {
  const streams: Plan['streams'] = { added: [], removed: [], changed: [] };
  for (const pool of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, next] = [before.get(pool)?.entries, after.get(pool)?.entries];
    if (old === next) continue;
    for (const key of new Set([...(old?.keys() ?? []), ...(next?.keys() ?? [])])) {
      const [gone, come] = [old?.get(key), next?.get(key)];
      if (gone === come) continue;
      const name = streamName((come ?? gone)!.wire);
      const [from, to] = [gone && streamTarget(pool, gone), come && streamTarget(pool, come)];
      if (from === undefined) streams.added.push({ name, to: to! });
      else if (to === undefined) streams.removed.push({ name, from });
      else if (canonicalJson(from) !== canonicalJson(to)) streams.changed.push({ name, from, to });
    }
  }
  // Sorting keeps the order of the pools.
  for (const list of Object.values(streams)) list.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return streams;
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
