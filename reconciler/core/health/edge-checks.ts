// Which edges look at which others. Law: a pure function of the fleet, so that the same fleet is the same configs whatever the routes; and an edge
// is looked at by few, so that a large fleet does not flood itself.
import { hash } from 'node:crypto';
import type { EdgeCheck } from '../../../bundle/config.ts';
import { CHECKS_MAX } from '../../../bundle/config-schema.ts';
import { isPublicAddress } from '../../../bundle/public-address.ts';
import { EDGE_PACE, type FleetNode, type Settings } from '../fleet.ts';

/** Others that look at one edge: two are enough to judge it, and the rest stands in for those that are themselves cut off. */
export const WATCHERS_MAX = 4;

/** By edge: what it looks at, sorted by node; an edge that looks at nobody is not in it. */
export function edgeChecks(
  fleet: readonly FleetNode[],
  { watched, paces }: Pick<Settings, 'watched' | 'paces'>,
): ReadonlyMap<string, EdgeCheck[]> {
  const edges = fleet.filter(({ role }) => role === 'edge');
  const watching = new Map<string, EdgeCheck[]>();
  for (const target of edges) {
    if (!watched.includes(target.pool!)) continue;
    // Edges knock at no other: what git says may be an address of a laboratory, behind a balancer, or a mistake.
    const addresses = (target.publicAddresses ?? []).filter((address) => isPublicAddress(address));
    if (addresses.length === 0) continue;
    const check: EdgeCheck = { node: target.node, addresses, ...(paces[target.pool!] ?? EDGE_PACE) };
    for (const watcher of watchersOf(target, edges)) {
      const checks = watching.get(watcher.node);
      if (checks && checks.length < CHECKS_MAX) checks.push(check);
      else if (checks === undefined) watching.set(watcher.node, [check]);
    }
  }
  return watching;
}

/** Of its own pool first, because they share its certificates; among equals by highest random weight, so that few change when one comes or goes. */
function watchersOf(target: FleetNode, edges: readonly FleetNode[]): FleetNode[] {
  return edges
    .filter(({ node, state }) => node !== target.node && state === 'active')
    .map((edge) => ({
      edge,
      isNear: edge.pool === target.pool,
      weight: hash('sha256', `${target.node}\n${edge.node}`, 'hex'),
    }))
    .sort((a, b) => Number(b.isNear) - Number(a.isNear) || (a.weight < b.weight ? 1 : -1))
    .slice(0, WATCHERS_MAX)
    .map(({ edge }) => edge);
}
