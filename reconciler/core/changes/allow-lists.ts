// What the owners of origins will keep closed: services that a changed route needs, held against the allow-lists that origins announced.
// Of an origin that announced none nothing is said.

import type { Route } from '../../../schemas/types.ts';
import { readPortRange } from '../public-port.ts';
import { type Target, targetsOf } from '../route-targets.ts';
import { portKey, serviceKey } from '../service-keys.ts';
import type { RefusedService } from './change.ts';

/** Origin → what its owner allows: `8080`, `9000-9010`, `53/udp`, `192.168.1.20:8080` (bundle/api.ts). */
export type AnnouncedLists = ReadonlyMap<string, readonly string[]>;

/** In the order of the route, each service once. */
export function refusedServices(name: string, route: Route, announced: AnnouncedLists): RefusedService[] {
  const refused = new Map<string, RefusedService>();
  for (const target of targetsOf(route)) {
    const list = announced.get(target.origin);
    if (list === undefined || list.some((entry) => allows(entry, target))) continue;
    const { origin, host } = target;
    const service = host === undefined ? portKey(target) : serviceKey({ ...target, host });
    refused.set(`${origin} ${service}`, { name, origin, service });
  }
  return [...refused.values()];
}

function allows(entry: string, { host, port, protocol }: Target): boolean {
  const [, address, ports = '', over] = /^(?:(.*):)?([0-9-]+)(\/udp)?$/.exec(entry) ?? [];
  if (address !== host || (over !== undefined) !== (protocol === 'udp')) return false;
  const range = readPortRange(ports);
  return range !== undefined && range.from <= port && port <= range.to;
}
