// Where a hostname or a public port leads, as people read it before they agree: by the names that routes use. The port under which a
// tunnel reaches a service behind an origin is nobody's concern.
import type { WireBackend } from '../../bundle/config.ts';
import type { Path, Route } from '../../schemas/types.ts';
import { isLayer4 } from './public-port.ts';
import { backendsOf } from './route-targets.ts';
import type { RouteEntry } from './routing.ts';
import type { StreamEntry } from './streams.ts';
import { hasDestination } from './wire/path.ts';

/** The pool that serves it, and the services that answer. */
export interface StreamTarget {
  pool: string;
  /** Ordered; empty for a redirect. */
  backends: PlannedBackend[];
  /** Layer 4 but UDP: false costs the backend every visitor's address. */
  proxyProtocol?: boolean;
}

export interface HostTarget extends StreamTarget {
  /** The paths that go elsewhere, sorted by prefix. */
  paths?: { prefix: string; backends: PlannedBackend[] }[];
  /** The URL that visitors are sent to instead. */
  redirect?: string;
  /** The edges pass connections on unopened: the certificate is the backend's, and no rule for requests applies. */
  passthrough?: true;
}

export interface PlannedBackend {
  origin: string;
  /** The origin's own, inside the network. */
  address: string;
  /** Behind the origin. */
  host?: string;
  port: number;
  backup?: true;
}

export function hostTarget(pool: string, { route, wire }: RouteEntry): HostTarget {
  const wirePaths = new Map(wire.paths?.map((path) => [path.prefix, path]));
  const paths = (route.paths ?? []).filter(hasDestination).map((path) => {
    const { prefix } = path;
    return { prefix, backends: plannedBackends(path, wirePaths.get(prefix)?.backends ?? []) };
  });
  paths.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  return {
    ...streamTarget(pool, { route, wire }),
    ...(paths.length > 0 && { paths }),
    ...(wire.redirect && { redirect: wire.redirect.to }),
    ...(wire.protocol === 'tls' && { passthrough: true }),
  };
}

export function streamTarget(
  pool: string,
  { route, wire }: Pick<StreamEntry, 'route'> & { wire: { backends: readonly WireBackend[] } },
): StreamTarget {
  const backends = plannedBackends(route, wire.backends);
  const isTold = isLayer4(route) && route.protocol !== 'udp';
  return { pool, backends, ...(isTold && { proxyProtocol: route.proxyProtocol === true }) };
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
