// Tunnel ports for services that are not on an origin's own address. Law: a pure function of what routes name on the origin, so that
// every reconciler, after any history, tells edges and origin the same port.
//
// A service's first choice is its hash. All services choose in the order of their hashes and take the next free port when theirs is
// taken, so a newcomer moves an older one only where the two collide; and nobody gets a port that a route declares on the machine itself.
// TCP and UDP have ports of their own, so what routes say of one moves nothing of the other; a service of both has one number, mostly.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Forward } from '../../bundle/config.ts';
import { FORWARDS_MAX } from '../../bundle/config-schema.ts';
import type { Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { changedKeys, entriesOf, lookup } from './persistent-map.ts';
import { portKey, readServiceKey, type ServiceName, serviceKey } from './service-keys.ts';

/** Above the ports that services usually listen on. */
const PORT_MIN = 20_000;
const PORT_MAX = 59_999;

/** What an origin must be told, ascending by port; of one port, TCP first. */
export function forwardsOf(desired: Desired, origin: string): Forward[] {
  return [...allocationOf(desired, origin)]
    .map(([service, port]): Forward => {
      const { host, port: hostPort, protocol } = readServiceKey(service);
      return { ...(protocol === 'udp' && { protocol }), port, host, hostPort };
    })
    .sort((a, b) => a.port - b.port || Number(a.protocol === 'udp') - Number(b.protocol === 'udp'));
}

/** Where edges reach a service behind an origin, on that origin's address. Undefined: there is none left (the rules refuse that). */
export function tunnelPort(
  desired: Desired,
  { origin, ...service }: ServiceName & { origin: string },
): number | undefined {
  return allocationOf(desired, origin).get(serviceKey(service));
}

/** The routes of `after` that name a service whose port is another one than in `before`. */
export function* routesOfMovedServices(before: Desired, after: Desired): Generator<LoadedFile<'route'>> {
  const origins = new Set([...changedKeys(before.services, after.services), ...changedKeys(before.ports, after.ports)]);
  for (const origin of origins) {
    const then = allocationOf(before, origin);
    const now = allocationOf(after, origin);
    for (const [service, files] of entriesOf(lookup(after.services, origin))) {
      if (lookup(lookup(before.services, origin), service) === undefined) continue;
      if (then.get(service) !== now.get(service)) for (const [, file] of entriesOf(files)) yield file;
    }
  }
}

type Allocation = ReadonlyMap<string, number>;

const NO_SERVICES: Allocation = new Map();
/** Every route of an origin asks: made once per version of what it depends on. */
const made = new WeakMap<object, { ports: object | undefined; allocation: Allocation }>();

function allocationOf(desired: Desired, origin: string): Allocation {
  const services = lookup(desired.services, origin);
  if (services === undefined) return NO_SERVICES;
  const ports = lookup(desired.ports, origin);
  const known = made.get(services);
  if (known !== undefined && known.ports === ports) return known.allocation;
  const names = Map.groupBy(entriesOf(services), ([service]) => readServiceKey(service).protocol);
  const allocation = new Map<string, number>();
  for (const protocol of ['tcp', 'udp'] as const) {
    const wanted = (names.get(protocol) ?? []).map(([service]) => service);
    const isDeclared = (port: number) => lookup(ports, portKey({ protocol, port })) !== undefined;
    for (const [service, port] of allocate(wanted, FORWARDS_MAX - allocation.size, isDeclared))
      allocation.set(service, port);
  }
  made.set(services, { ports, allocation });
  return allocation;
}

/** Services beyond the bound, or beyond the free ports, get none: always the same ones. */
function allocate(services: readonly string[], max: number, isDeclared: (port: number) => boolean): Allocation {
  const size = PORT_MAX - PORT_MIN + 1;
  const byHash = services.map((service) => ({ service, hash: hashOf(service) }));
  byHash.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const taken = new Set<number>();
  const allocation = new Map<string, number>();
  for (const { service, hash } of byHash.slice(0, max)) {
    const first = Number.parseInt(hash.slice(0, 12), 16) % size;
    for (let step = 0; step < size; step += 1) {
      const port = PORT_MIN + ((first + step) % size);
      if (taken.has(port) || isDeclared(port)) continue;
      taken.add(port);
      allocation.set(service, port);
      break;
    }
  }
  return allocation;
}

function hashOf(service: string): string {
  return sha256Hex(serviceKey({ ...readServiceKey(service), protocol: 'tcp' }));
}
