// What a route must be told of the rest before edges can be told of the route.
import type { SecretReference } from '../../../schemas/types.ts';
import { claimOf, type Desired } from '../desired.ts';
import { tunnelPort } from '../forwards.ts';
import type { Target } from '../route-targets.ts';

export interface Reach {
  /** Inside the WireGuard network. Undefined: its origin has no file, or the team has no tunnel port left there. */
  at(target: Target): { address: string; port: number } | undefined;
  /** Undefined: not there (yet). */
  sealed(reference: SecretReference): string | undefined;
}

/**
 * Where a service is reached by routes of a team. A revoked origin keeps its address here: it is in no tunnel any more, so nobody answers, and what other
 * nodes share does not change with one node's state.
 */
export function addressIn(desired: Desired, team: string): Reach['at'] {
  return ({ origin, host, ...port }) => {
    const address = claimOf(desired.origins, origin)?.value?.wireguard.address;
    const at = host === undefined ? port.port : tunnelPort(desired, { origin, team, host, ...port });
    return address === undefined || at === undefined ? undefined : { address, port: at };
  };
}

/** For routes of which every target is known to be reached. */
export interface Reached extends Reach {
  at(target: Target): { address: string; port: number };
}
