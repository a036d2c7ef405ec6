// What changes, counted by pool.
import type { Compiled } from '../compile.ts';
import type { Counts, Listed, PoolChange, RouteChange } from './change.ts';

/** Sorted by pool; only those in which something changes. */
export function poolChanges(to: Compiled, hosts: Listed<RouteChange>, ports: Listed<RouteChange>): PoolChange[] {
  const [byHosts, byPorts] = [countsByPool(hosts), countsByPool(ports)];
  return [...new Set([...byHosts.keys(), ...byPorts.keys()])].sort().map((pool) => ({
    pool,
    hosts: byHosts.get(pool) ?? nothing(),
    ports: byPorts.get(pool) ?? nothing(),
    edges: to.fleet.filter((node) => node.pool === pool).map(({ node }) => node),
  }));
}

function countsByPool({ removed, added, changed }: Listed<RouteChange>): Map<string, Counts> {
  const counts = new Map<string, Counts>();
  const count = (pool: string, what: keyof Counts) => {
    const known = counts.get(pool) ?? nothing();
    known[what] += 1;
    counts.set(pool, known);
  };
  for (const { from } of removed) count(from!.pool, 'removed');
  for (const { to } of added) count(to!.pool, 'added');
  for (const { from, to } of changed) {
    if (from!.pool === to!.pool) count(to!.pool, 'changed');
    else {
      count(from!.pool, 'removed');
      count(to!.pool, 'added');
    }
  }
  return counts;
}

function nothing(): Counts {
  return { removed: 0, added: 0, changed: 0 };
}
