// Hostnames that a merge changes. Cost: those whose file or target differs.
import { chunkEntry } from '../chunks.ts';
import type { Compiled } from '../compile.ts';
import { claimOf } from '../desired.ts';
import { changedKeys, emptyMap } from '../persistent-map.ts';
import type { Plan } from '../plan.ts';
import { hostTarget } from '../plan-target.ts';
import type { Listed, RouteChange } from './change.ts';
import { noteRoute, type PlacedRoute } from './routes.ts';

/** Sorted by hostname. `plan` leads from `from` to `to`. */
export function hostChanges(from: Compiled | undefined, to: Compiled, plan: Plan): Listed<RouteChange> {
  const list: Listed<RouteChange> = { removed: [], added: [], changed: [] };
  for (const hostname of touchedHosts(from, to, plan)) {
    noteRoute(list, hostname, hostIn(from, hostname), hostIn(to, hostname));
  }
  return list;
}

/** Those whose file or target differs, sorted. */
export function touchedHosts(from: Compiled | undefined, to: Compiled, { hosts }: Plan): string[] {
  const names = Object.values(hosts).flatMap((list: { hostname: string }[]) => list.map(({ hostname }) => hostname));
  const files = changedKeys(from?.desired.routesByHost ?? emptyMap(), to.desired.routesByHost);
  return [...new Set([...names, ...files])].sort();
}

/** Undefined when no edge is told of the hostname. */
export function hostIn(compiled: Compiled | undefined, hostname: string): PlacedRoute | undefined {
  const file = compiled && claimOf(compiled.desired.routesByHost, hostname);
  if (compiled === undefined || file?.value === undefined) return undefined;
  const { pools, settings } = compiled.routing;
  const pool = file.value.pool ?? settings.defaultPool;
  const entry = chunkEntry(pools.get(pool), hostname);
  if (entry === undefined) return undefined;
  return { file, pool, ...(!entry.wire.closed && { target: hostTarget(pool, entry) }) };
}
