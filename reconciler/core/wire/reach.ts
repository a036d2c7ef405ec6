// What a route must be told of the rest before edges can be told of the route.
import type { SecretReference } from '../../../schemas/types.ts';
import type { Target } from '../route-targets.ts';

export interface Reach {
  /** Inside the WireGuard network. Undefined: its origin has no file, or no tunnel port is left for it. */
  at(target: Target): { address: string; port: number } | undefined;
  /** Undefined: not there (yet). */
  sealed(reference: SecretReference): string | undefined;
}

/** For routes of which every target is known to be reached. */
export interface Reached extends Reach {
  at(target: Target): { address: string; port: number };
}
