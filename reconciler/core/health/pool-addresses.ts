// The addresses that visitors of a pool are sent to: of its edges that are in DNS.
import type { FleetNode } from '../fleet.ts';
import type { Member } from './pool-members.ts';

/**
 * Of one pool, as its edges are sorted. Where nothing was decided yet, those of all its edges that serve. None: nobody knows any, and what
 * stands in DNS stays.
 */
export function poolAddresses(
  pool: string,
  fleet: readonly FleetNode[],
  members: ReadonlyMap<string, readonly Member[]>,
): string[] {
  const edges = fleet.filter((node) => node.role === 'edge' && node.pool === pool);
  const decided = members.get(pool);
  const inDns = new Set(decided?.filter((member) => member.inDns).map(({ edge }) => edge));
  const sent =
    decided === undefined
      ? edges.filter(({ state }) => state === 'active')
      : edges.filter(({ node }) => inDns.has(node));
  return sent.flatMap(({ publicAddresses = [] }) => publicAddresses);
}
