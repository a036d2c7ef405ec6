// The desired state as `GET /api/v1/{routes,origins,edges}` lists it: made when somebody asks, not at every publish.
import { claimOf, type Desired } from './core/desired.ts';
import { entriesOf } from './core/persistent-map.ts';
import { slotsOf } from './core/slots.ts';
import type { Listing } from './http/served.ts';

/** What is live. Each list is sorted by name and computed at most once. */
export function listingOf(live: Desired): Listing {
  const defaultPool = live.kokoa?.value?.pools[0]?.name ?? '';
  return {
    get routes() {
      return once(live, 'routes', () => routesIn(live, defaultPool));
    },
    get origins() {
      return once(live, 'origins', () => nodesIn(live, 'origin').map(({ pool: _, ...node }) => node));
    },
    get edges() {
      return once(live, 'edges', () =>
        nodesIn(live, 'edge').map((node) => ({ ...node, pool: node.pool ?? defaultPool })),
      );
    },
  };
}

const made = new WeakMap<Desired, Map<string, unknown>>();

function once<T>(live: Desired, name: string, make: () => T): T {
  const lists = made.get(live) ?? new Map<string, unknown>();
  made.set(live, lists);
  if (!lists.has(name)) lists.set(name, make());
  return lists.get(name) as T;
}

function routesIn(live: Desired, defaultPool: string): Listing['routes'] {
  return [...entriesOf(live.routesByHost)]
    .map(([hostname]) => ({ hostname, file: claimOf(live.routesByHost, hostname) }))
    .sort((a, b) => (a.hostname < b.hostname ? -1 : 1))
    .flatMap(({ hostname, file }) => {
      if (!file?.value) return [];
      const { origin, port, pool = defaultPool } = file.value;
      return [{ hostname, ...(file.team !== undefined && { team: file.team }), pool, origin, port, file: file.path }];
    });
}

function nodesIn(live: Desired, role: 'edge' | 'origin') {
  return slotsOf(live)
    .filter((slot) => slot.role === role)
    .map(({ node, state, generation, file }) => {
      const value = file.value!;
      const pool = 'pool' in value ? value.pool : undefined;
      return { name: node, state, address: value.wireguard.address, generation, pool };
    });
}
