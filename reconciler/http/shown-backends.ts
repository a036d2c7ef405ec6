// Backends that do not answer, as people read it: which service, and what each edge says of it. Law: every list has a bound, and a team learns no
// name of a node but those that it wrote itself.
import { type BackendSeen, type BackendStanding, type Service, serviceName } from '../core/health/backend-standing.ts';
import { shownText } from './shown-text.ts';

const VIEWS_MAX = 20;
/** Of one origin or route. */
const BACKENDS_MAX = 100;

/** Those that at least one edge finds down, of the services that are asked for; absent where there are none. */
export function shownBackends(standings: readonly BackendStanding[], forTeam = false) {
  const ill = standings.filter(({ seen }) => seen.some(({ up }) => !up));
  return ill.length === 0 ? {} : { backends: ill.slice(0, BACKENDS_MAX).map((one) => shownBackend(one, forTeam)) };
}

/** By `serviceName`. */
export function byService(standings: readonly BackendStanding[]): ReadonlyMap<string, BackendStanding> {
  return new Map(standings.map((one) => [serviceName(one.service), one]));
}

/** What a route asks, itself and its paths, each service once. */
export function servicesOfRoute(
  route: Partial<Service> & { backends?: Service[]; paths?: (Partial<Service> & { backends?: Service[] })[] },
): string[] {
  const places = [route, ...(route.paths ?? [])];
  const services = places.flatMap(({ origin, host, port, backends }) => {
    if (backends) return backends;
    return origin === undefined || port === undefined ? [] : [{ origin, port, ...(host !== undefined && { host }) }];
  });
  return [...new Set(services.map(serviceName))];
}

function shownBackend({ service, seen, down }: BackendStanding, forTeam: boolean) {
  const ups = seen.filter(({ up }) => up).length;
  return {
    ...service,
    state: down ? ('down' as const) : ('partly down' as const),
    ...{ up: ups, asked: seen.length },
    views: seen
      .filter(({ up }) => !up)
      .slice(0, VIEWS_MAX)
      .map((one) => shownView(one, forTeam)),
  };
}

function shownView({ edge, check, hostname, script, since, reason, withdrawn }: BackendSeen, forTeam: boolean) {
  return {
    ...(!forTeam && { edge }),
    check,
    ...(hostname !== undefined && { hostname: shownText(hostname) }),
    ...(script !== undefined && !forTeam && { script: shownText(script) }),
    since: shownText(since),
    ...(reason !== undefined && { reason: shownText(reason) }),
    ...(withdrawn && { withdrawn }),
  };
}
