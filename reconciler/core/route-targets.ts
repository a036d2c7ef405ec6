// Every service that a route may lead to, wherever in the route it is named: its own, those of its paths, its login services.
import type { Route } from '../../schemas/types.ts';

/** A service: a port of a machine, or of a host behind it. */
export interface Target {
  origin: string;
  /** As typed; absent: the machine itself. */
  host?: string;
  port: number;
  /** JSON pointer of the object that names it. */
  pointer: string;
}

type Place = Pick<Route, 'origin' | 'port' | 'host' | 'backends' | 'auth'>;

/** In the order of the file; a service that is named twice stands here twice. */
export function targetsOf(route: Route): Target[] {
  const paths = (route.paths ?? []).flatMap((path, index) => targetsOfPlace(path, `/paths/${index}`));
  return [...targetsOfPlace(route, ''), ...paths];
}

/** The services that answer requests of one place: `origin` and `port`, or each of `backends`. Empty where it names none. */
export function backendsOf({ origin, port, host, backends }: Place, pointer = ''): Target[] {
  if (backends !== undefined) return backends.map((one, index) => target(one, `${pointer}/backends/${index}`));
  return origin === undefined || port === undefined ? [] : [target({ origin, port, ...(host && { host }) }, pointer)];
}

function targetsOfPlace(place: Place, pointer: string): Target[] {
  const { forward } = place.auth ?? {};
  const login = forward === undefined ? [] : [target(forward, `${pointer}/auth/forward`)];
  return [...backendsOf(place, pointer), ...login];
}

function target({ origin, host, port }: Omit<Target, 'pointer'>, pointer: string): Target {
  return { origin, ...(host !== undefined && { host }), port, pointer };
}
