// The desired state as `GET /api/v1/{routes,origins,edges}` lists it: made when somebody asks, not at every publish.
import type { Path, Route } from '../schemas/types.ts';
import { claimOf, type Desired } from './core/desired.ts';
import type { LoadedFile } from './core/files.ts';
import type { Service } from './core/health/backend-standing.ts';
import { entriesOf } from './core/persistent-map.ts';
import { backendsOf } from './core/route-targets.ts';
import { serviceAtIn } from './core/service-at.ts';
import { slotsOf } from './core/slots.ts';
import { hasDestination } from './core/wire/path.ts';
import type { ListedBackend, ListedRoute, Listing } from './http/served.ts';

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
    get zones() {
      const zones = live.kokoa?.value?.zones ?? [];
      return zones
        .filter(({ provider }) => provider !== 'manual')
        .map(({ name: zone, provider }) => ({ zone, provider }));
    },
    serviceAt: (address, port) => serviceAtIn(live)(address, port),
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
  const hosts = [...entriesOf(live.routesByHost)]
    .map(([hostname]) => ({ hostname, file: claimOf(live.routesByHost, hostname) }))
    .sort((a, b) => (a.hostname < b.hostname ? -1 : 1))
    .flatMap(({ hostname, file }) => (file ? routeOf({ hostname }, file, defaultPool) : []));
  const ports = [...entriesOf(live.routesByPublicPort)]
    .flatMap(([key]) => claimOf(live.routesByPublicPort, key) ?? [])
    .flatMap((file) => routeOf({ publicPort: file.value!.publicPort! }, file, defaultPool))
    .sort((a, b) => order(a.protocol, b.protocol) || order(a.publicPort, b.publicPort) || order(a.pool, b.pool));
  return [...hosts, ...ports];
}

function routeOf(
  name: { hostname: string } | { publicPort: number },
  { value, team, path: file }: LoadedFile<'route'>,
  defaultPool: string,
): ListedRoute[] {
  if (value === undefined) return [];
  const { pool = defaultPool, protocol, paths = [], redirect, expiresAt } = value;
  const elsewhere = paths.filter(hasDestination).map((path) => ({ prefix: path.prefix, ...servicesOf(path) }));
  return [
    {
      ...name,
      ...((protocol === 'tls' || protocol === 'tcp' || protocol === 'udp') && { protocol }),
      ...(team !== undefined && { team }),
      pool,
      ...servicesOf(value),
      ...(elsewhere.length > 0 && { paths: elsewhere }),
      ...(redirect && { redirect: redirect.to }),
      ...(expiresAt !== undefined && { expiresAt }),
      file,
    },
  ];
}

function order<T extends string | number>(a: T | undefined, b: T | undefined): number {
  return a === b || a === undefined || b === undefined ? 0 : a < b ? -1 : 1;
}

/** The one that is asked first, and where there are several, all. */
function servicesOf(place: Route | Path): Partial<Service> & { backends?: ListedBackend[] } {
  const backends = backendsOf(place).map(({ pointer: _, protocol: __, ...service }, index): ListedBackend => {
    const { weight, backup } = place.backends?.[index] ?? {};
    return { ...service, ...(weight !== undefined && { weight }), ...(backup && { backup }) };
  });
  const { origin, host, port } = backends.find(({ backup }) => !backup) ?? backends[0] ?? {};
  return {
    ...(origin !== undefined && { origin }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(backends.length > 1 && { backends }),
  };
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
