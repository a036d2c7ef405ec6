// What changed routes mean for the indexes of routes, collected during one update.
import type { Route } from '../../schemas/types.ts';
import { askedPlaces } from './asked-origins.ts';
import { networkPlaces, policyPlaces, upstreamPlaces } from './bounded-places.ts';
import { ClaimChanges, CountChanges, GroupedClaimChanges } from './claims.ts';
import type { RouteIndexes } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { updateMap } from './persistent-map.ts';
import { indexedPortKey } from './public-port.ts';
import { publicPortPlaces } from './public-port-places.ts';
import { secretsOf } from './route-secrets.ts';
import { targetsOf } from './route-targets.ts';
import { portKey, serviceKey } from './service-keys.ts';
import { sectionName } from './tunnel-ports.ts';

type RouteFile = LoadedFile<'route'>;

export class RouteChanges {
  readonly #byHost = new ClaimChanges<'route'>();
  readonly #byPublicPort = new ClaimChanges<'route'>();
  readonly #byOrigin = new ClaimChanges<'route'>();
  readonly #ports = new CountChanges();
  readonly #asked = new CountChanges();
  readonly #services = new GroupedClaimChanges<'route'>();
  readonly #expiring = new Map<string, RouteFile | undefined>();
  readonly #withSecrets = new Map<string, RouteFile | undefined>();
  readonly #policies = new CountChanges();
  readonly #upstreams = new CountChanges();
  readonly #networkLists = new CountChanges();
  readonly #publicPorts = new CountChanges();

  /** First what a path was (`present` false), then what it is. */
  note(path: string, file: RouteFile, route: Route, present: boolean): void {
    const after = present ? file : undefined;
    const by = present ? 1 : -1;
    if (file.hostname !== undefined) this.#byHost.note(file.hostname, path, after);
    const publicPort = indexedPortKey(route);
    if (publicPort !== undefined) this.#byPublicPort.note(publicPort, path, after);
    const { team = '' } = file;
    for (const { origin, host, pointer: _, ...port } of targetsOf(route)) {
      this.#byOrigin.note(origin, path, after);
      if (host === undefined) this.#ports.add(origin, portKey(port), by);
      else this.#services.note(sectionName(origin, team), serviceKey({ host, ...port }), path, after);
    }
    for (const { group, key } of askedPlaces(file)) this.#asked.add(group, key, by);
    if (route.expiresAt !== undefined) this.#expiring.set(path, after);
    if (secretsOf(file).length > 0) this.#withSecrets.set(path, after);
    for (const { group, key } of policyPlaces(file)) this.#policies.add(group, key, by);
    for (const { group, key } of upstreamPlaces(file)) this.#upstreams.add(group, key, by);
    for (const { group, key } of networkPlaces(file)) this.#networkLists.add(group, key, by);
    for (const { group, key } of publicPortPlaces(file)) this.#publicPorts.add(group, key, by);
  }

  apply(before: RouteIndexes): RouteIndexes {
    return {
      routesByHost: this.#byHost.apply(before.routesByHost),
      routesByPublicPort: this.#byPublicPort.apply(before.routesByPublicPort),
      routesByOrigin: this.#byOrigin.apply(before.routesByOrigin),
      ports: this.#ports.apply(before.ports),
      asked: this.#asked.apply(before.asked),
      services: this.#services.apply(before.services),
      expiring: updateMap(before.expiring, this.#expiring),
      withSecrets: updateMap(before.withSecrets, this.#withSecrets),
      policies: this.#policies.apply(before.policies),
      upstreams: this.#upstreams.apply(before.upstreams),
      networkLists: this.#networkLists.apply(before.networkLists),
      publicPorts: this.#publicPorts.apply(before.publicPorts),
    };
  }
}
