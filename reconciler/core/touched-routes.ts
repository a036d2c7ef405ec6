// Routes whose file is what it was, while something else has changed what edges must be told of them.
import { claimOf, type Desired } from './desired.ts';
import { expiringBetween } from './expiry.ts';
import type { LoadedFile } from './files.ts';
import { routesOfMovedServices } from './forwards.ts';
import { changedKeys, entriesOf, lookup } from './persistent-map.ts';

/** A state at a time. */
export interface Moment {
  desired: Desired;
  nowMs: number;
}

/** The routes of `after` with an origin of another address, a service of another tunnel port, or whose time came. Some stand there twice. */
export function* touchedRoutes(before: Moment, after: Moment): Generator<LoadedFile<'route'>> {
  const { origins, routesByOrigin } = after.desired;
  for (const origin of changedKeys(before.desired.origins, origins)) {
    if (addressOf(before.desired, origin) === addressOf(after.desired, origin)) continue;
    for (const [, file] of entriesOf(lookup(routesByOrigin, origin))) yield file;
  }
  yield* routesOfMovedServices(before.desired, after.desired);
  yield* expiringBetween(after.desired, before.nowMs, after.nowMs);
}

function addressOf(desired: Desired, origin: string): string | undefined {
  return claimOf(desired.origins, origin)?.value?.wireguard.address;
}
