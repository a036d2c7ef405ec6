// Public ports that a merge changes. The same number in another pool is another port.
import type { Route } from '../../../schemas/types.ts';
import type { Compiled } from '../compile.ts';
import { claimOf } from '../desired.ts';
import { streamTarget } from '../plan-target.ts';
import { indexedPortKeys } from '../public-port.ts';
import { type PoolStreams, streamName } from '../streams.ts';
import type { Listed, RouteChange } from './change.ts';
import { noteRoute, type PlacedRoute } from './routes.ts';

interface TouchedPort {
  name: string;
  pool: string;
  /** publicPortKey. */
  key: string;
}

/** Sorted by name, then pool. */
export function portChanges(from: Compiled | undefined, to: Compiled): Listed<RouteChange> {
  const list: Listed<RouteChange> = { removed: [], added: [], changed: [] };
  for (const port of touchedPorts(from, to)) noteRoute(list, port.name, portIn(from, port), portIn(to, port));
  return list;
}

function touchedPorts(from: Compiled | undefined, to: Compiled): TouchedPort[] {
  const [before, after] = [from?.routing.streams, to.routing.streams];
  const pools = new Set([...(before?.keys() ?? []), ...after.keys()]);
  const touched = [...pools].flatMap((pool) => differing(pool, before?.get(pool), after.get(pool)));
  return touched.sort((a, b) => (`${a.name}\n${a.pool}` < `${b.name}\n${b.pool}` ? -1 : 1));
}

/** An update keeps the entries it did not touch, so identity tells them apart. */
function differing(pool: string, before: PoolStreams | undefined, after: PoolStreams | undefined): TouchedPort[] {
  if (before === after) return [];
  const keys = new Set([...(before?.entries.keys() ?? []), ...(after?.entries.keys() ?? [])]);
  return [...keys].flatMap((key) => {
    const [old, next] = [before?.entries.get(key), after?.entries.get(key)];
    return old === next ? [] : [{ name: streamName((next ?? old)!.wire), pool, key }];
  });
}

function portIn(compiled: Compiled | undefined, { pool, key }: TouchedPort): PlacedRoute | undefined {
  const entry = compiled?.routing.streams.get(pool)?.entries.get(key);
  if (compiled === undefined || entry === undefined) return undefined;
  const { desired, routing } = compiled;
  const claims = indexedPortKeys(key, routing.settings.defaultPool).map((one) =>
    claimOf(desired.routesByPublicPort, one),
  );
  const file = claims.find((claim) => claim?.value === entry.route);
  return file && { file, pool, target: streamTarget(pool, entry) };
}

/** The route of an added or changed port. */
export function routeOfPort({ routing }: Compiled, { name, to }: RouteChange): Route | undefined {
  const pool = to?.pool ?? '';
  return routing.streams.get(pool)?.entries.get(`${pool}\n${name.replace(' ', '\n')}`)?.route;
}
