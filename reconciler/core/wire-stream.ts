// One public port as edges are told it. Law: a port is open only while everything behind it is known; there is no name that could say
// why it is not, so it is closed.
import type { WireStream } from '../../bundle/config.ts';
import type { Limits, Route } from '../../schemas/types.ts';
import { hasExpired } from './expiry.ts';
import type { LoadedFile } from './files.ts';
import { backendsOf } from './route-targets.ts';
import { wireTimeouts } from './wire/limits.ts';
import { wireBackends, wireEntrance } from './wire/place.ts';
import { addressIn, type Reach, type Reached } from './wire/reach.ts';
import type { RouteSurroundings } from './wire-route.ts';

/** Undefined when the file is not valid, takes no public port, is over, or names what cannot be reached. */
export function wireStreamOf(
  file: LoadedFile<'route'> | undefined,
  { desired, limits, nowMs }: Pick<RouteSurroundings, 'desired' | 'limits' | 'nowMs'>,
): WireStream | undefined {
  if (file?.value === undefined || hasExpired(file.value, nowMs)) return undefined;
  return openStream(file.value, limits, { at: addressIn(desired, file.team ?? ''), sealed: () => undefined });
}

/** `defaults`: of kokoa.yaml. */
export function openStream(route: Route, defaults: Limits, reach: Reach): WireStream | undefined {
  const { protocol, publicPort: port, proxyProtocol, allow, deny } = route;
  if (port === undefined || (protocol !== 'tcp' && protocol !== 'udp')) return undefined;
  const targets = backendsOf(route);
  if (targets.length === 0 || targets.some((target) => reach.at(target) === undefined)) return undefined;
  const reached = reach as Reached;
  const { connections } = { ...defaults, ...route.limits };
  const { sendMs: _, ...timeouts } = wireTimeouts(route.timeouts ?? {});
  return {
    protocol,
    port,
    ...wireBackends(route, reached),
    ...(protocol === 'tcp' && proxyProtocol && { proxyProtocol }),
    ...wireEntrance({ allow, deny, auth: undefined }, reached),
    ...(connections !== undefined && { connections }),
    ...(Object.keys(timeouts).length > 0 && { timeouts }),
  };
}
