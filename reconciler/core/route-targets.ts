// Every service that a route may lead to, wherever in the route it is named: its own, those of its paths, its login services.
import type { Route } from '../../schemas/types.ts';

/** A service: a port of a machine, or of a host behind it. */
export interface Target {
  origin: string;
  /** As typed; absent: the machine itself. */
  host?: string;
  /** Absent: TCP. */
  protocol?: 'udp';
  port: number;
  /** JSON pointer of the object that names it. */
  pointer: string;
}

type Place = Pick<Route, 'origin' | 'port' | 'host' | 'backends' | 'auth' | 'protocol'>;

/** In the order of the file; a service that is named twice stands here twice. */
export function targetsOf(route: Route): Target[] {
  const paths = (route.paths ?? []).flatMap((path, index) => targetsOfPlace(path, `/paths/${index}`));
  return [...targetsOfPlace(route, ''), ...paths];
}

/** The services that answer requests of one place: `origin` and `port`, or each of `backends`. Empty where it names none. */
export function backendsOf({ origin, port, host, backends, protocol }: Place, pointer = ''): Target[] {
  const over = protocol === 'udp' ? { protocol } : {};
  if (backends !== undefined)
    return backends.map((one, index) => target({ ...one, ...over }, `${pointer}/backends/${index}`));
  if (origin === undefined || port === undefined) return [];
  return [target({ origin, port, ...(host && { host }), ...over }, pointer)];
}

function targetsOfPlace(place: Place, pointer: string): Target[] {
  const { forward } = place.auth ?? {};
  const login = forward === undefined ? [] : [target(forward, `${pointer}/auth/forward`)];
  return [...backendsOf(place, pointer), ...login];
}

function target({ origin, host, protocol, port }: Omit<Target, 'pointer'>, pointer: string): Target {
  return { origin, ...(host !== undefined && { host }), ...(protocol && { protocol }), port, pointer };
}
