// A part of a site, complete: what it does not say itself is taken from the route here, so that an edge need not look further.
import type { WirePath } from '../../../bundle/config.ts';
import type { Path, Route } from '../../../schemas/types.ts';
import { wireDestination, wireEntrance } from './place.ts';
import type { Reached } from './reach.ts';

/** A list of its own replaces the route's; a destination of its own has its own protocol; `public` takes the login away. */
export function wirePath(path: Path, route: Route, reached: Reached): WirePath {
  const { prefix, stripPrefix, allow = route.allow, deny = route.deny, auth = route.auth } = path;
  return {
    prefix,
    ...(stripPrefix && { stripPrefix }),
    ...wireDestination(hasDestination(path) ? path : route, reached),
    ...wireEntrance({ allow, deny, auth: path.public ? undefined : auth }, reached),
  };
}

/** False for a path that goes where its route goes. */
export function hasDestination({ origin, backends }: Path): boolean {
  return origin !== undefined || backends !== undefined;
}
