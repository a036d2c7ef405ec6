// Where the requests of a place go, and who may make them. What stays at its default is left out.
import type { WireBackend, WireOriginTls, WirePlace } from '../../../bundle/config.ts';
import type { Auth, Backend, OriginTls, Route } from '../../../schemas/types.ts';
import { canonicalHostname } from '../hostname.ts';
import { backendsOf } from '../route-targets.ts';
import { wireAuth } from './auth.ts';
import { canonicalPem } from './certificates.ts';
import { wireCheck } from './check.ts';
import { canonicalNetworks } from './networks.ts';
import type { Reached } from './reach.ts';

type Destination = Pick<WirePlace, 'backends' | 'sticky' | 'check' | 'protocol' | 'originTls'>;
export type TypedDestination = Pick<
  Route,
  'origin' | 'port' | 'host' | 'backends' | 'sticky' | 'check' | 'protocol' | 'originTls'
>;

export function wireDestination(place: TypedDestination, reached: Reached): Destination {
  const { protocol: typed, originTls } = place;
  const protocol = wireProtocol(typed);
  return {
    ...wireBackends(place, reached),
    ...(protocol && { protocol }),
    ...(protocol === 'https' && originTls !== undefined && { originTls: wireOriginTls(originTls) }),
  };
}

/** A single backend has no share and no turn to take, so its weight and `sticky` say nothing. */
export function wireBackends(
  place: TypedDestination,
  reached: Pick<Reached, 'at'>,
): Pick<WirePlace, 'backends' | 'sticky' | 'check'> {
  const several = (place.backends?.length ?? 0) > 1;
  const backends = backendsOf(place).map(
    (target, index): WireBackend => ({
      ...reached.at(target),
      ...(several && shareOf(place.backends![index]!)),
    }),
  );
  return {
    backends,
    ...(place.sticky && several && { sticky: true }),
    ...(place.check && { check: wireCheck(place.check) }),
  };
}

/** `auth` undefined: nobody is asked. */
export function wireEntrance(
  { allow, deny, auth }: { allow: string[] | undefined; deny: string[] | undefined; auth: Auth | undefined },
  reached: Reached,
): Pick<WirePlace, 'allow' | 'deny' | 'auth'> {
  return {
    ...(allow !== undefined && { allow: canonicalNetworks(allow) }),
    ...(deny !== undefined && { deny: canonicalNetworks(deny) }),
    ...(auth !== undefined && { auth: wireAuth(auth, reached) }),
  };
}

export function wireOriginTls({ verify, ca = '', serverName: typed }: OriginTls): WireOriginTls {
  const serverName = typed === undefined ? {} : { serverName: canonicalName(typed) };
  return verify === 'ca' ? { verify, ca: canonicalPem(ca), ...serverName } : { verify, ...serverName };
}

/** Undefined: HTTP/1.1, or no place of a hostname at all. */
function wireProtocol(typed: Route['protocol']): WirePlace['protocol'] {
  return typed === 'https' || typed === 'h2c' || typed === 'tls' ? typed : undefined;
}

function shareOf({ weight = 1, backup }: Backend): Pick<WireBackend, 'weight' | 'backup'> {
  return { ...(weight > 1 && { weight }), ...(backup && { backup }) };
}

/** A name of a LAN need not be one that the internet knows. */
function canonicalName(typed: string): string {
  const result = canonicalHostname(typed);
  return result.kind === 'hostname' ? result.hostname : typed.toLowerCase().replace(/\.$/, '');
}
