// What changed routes mean for the indexes of routes, collected during one update.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Route, SecretReference } from '../../schemas/types.ts';
import { ClaimChanges, CountChanges, GroupedClaimChanges } from './claims.ts';
import type { RouteIndexes } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { updateMap } from './persistent-map.ts';
import { POLICY_FIELDS, policyOf, upstreamsOf } from './policy-class.ts';
import { indexedPortKey } from './public-port.ts';
import { targetsOf } from './route-targets.ts';

type RouteFile = LoadedFile<'route'>;

export class RouteChanges {
  readonly #byHost = new ClaimChanges<'route'>();
  readonly #byPublicPort = new ClaimChanges<'route'>();
  readonly #byOrigin = new ClaimChanges<'route'>();
  readonly #ports = new CountChanges();
  readonly #services = new GroupedClaimChanges<'route'>();
  readonly #expiring = new Map<string, RouteFile | undefined>();
  readonly #withUsers = new Map<string, RouteFile | undefined>();
  readonly #policies = new CountChanges();
  readonly #upstreams = new CountChanges();

  /** First what a path was (`present` false), then what it is. */
  note(path: string, file: RouteFile, route: Route, present: boolean): void {
    const after = present ? file : undefined;
    const by = present ? 1 : -1;
    if (file.hostname !== undefined) this.#byHost.note(file.hostname, path, after);
    const publicPort = indexedPortKey(route);
    if (publicPort !== undefined) this.#byPublicPort.note(publicPort, path, after);
    for (const { origin, host, port } of targetsOf(route)) {
      this.#byOrigin.note(origin, path, after);
      if (host === undefined) this.#ports.add(origin, String(port), by);
      else this.#services.note(origin, serviceKey(host, port), path, after);
    }
    if (route.expiresAt !== undefined) this.#expiring.set(path, after);
    if (usersOf(route).length > 0) this.#withUsers.set(path, after);
    for (const { group, key } of policyPlaces(file)) this.#policies.add(group, key, by);
    for (const { group, key } of upstreamPlaces(file)) this.#upstreams.add(group, key, by);
  }

  apply(before: RouteIndexes): RouteIndexes {
    return {
      routesByHost: this.#byHost.apply(before.routesByHost),
      routesByPublicPort: this.#byPublicPort.apply(before.routesByPublicPort),
      routesByOrigin: this.#byOrigin.apply(before.routesByOrigin),
      ports: this.#ports.apply(before.ports),
      services: this.#services.apply(before.services),
      expiring: updateMap(before.expiring, this.#expiring),
      withUsers: updateMap(before.withUsers, this.#withUsers),
      policies: this.#policies.apply(before.policies),
      upstreams: this.#upstreams.apply(before.upstreams),
    };
  }
}

/** Under which a service behind an origin is known. */
export function serviceKey(host: string, port: number): string {
  return `${host}:${port}`;
}

/** Every secret that holds user names and passwords of a route. */
export function usersOf({ auth, paths }: Route): SecretReference[] {
  if (auth === undefined && paths === undefined) return [];
  return [auth, ...(paths ?? []).map((path) => path.auth)].flatMap((one) => one?.basic?.users ?? []);
}

/** Something of which there may be only so many distinct ones in a group. */
export interface BoundedPlace {
  group: string;
  key: string;
  /** JSON pointer of what names it. */
  pointer: string;
}

/** The policy class of a route, among those of its team. */
export function policyPlaces({ value, team = '' }: RouteFile): BoundedPlace[] {
  if (value === undefined) return [];
  const field = POLICY_FIELDS.find((name) => name in value);
  return [{ group: team, key: shortKey(policyOf(value)), pointer: field === undefined ? '' : `/${field}` }];
}

/** The lists of several backends of a route, among those of its team. */
export function upstreamPlaces({ value, hostname = '', team = '' }: RouteFile): BoundedPlace[] {
  if (value === undefined) return [];
  return upstreamsOf(value, hostname).map(({ key, pointer }) => ({ group: team, key: shortKey(key), pointer }));
}

let plain: { text: string; key: string } | undefined;

/** Nearly all routes are of the same class: its hash is made once in a row. */
function shortKey(text: string): string {
  if (plain?.text !== text) plain = { text, key: sha256Hex(text) };
  return plain.key;
}
