// What WireGuard counts, read several times a second: nothing else of the interface is looked at.
import type { Counters } from '../core/tunnel-health.ts';

export interface TunnelMeter {
  /** Bytes that this machine ever put into the tunnel; undefined: there is none. Costs next to nothing. */
  sent(): Promise<number | undefined>;
  /** Every peer by its public key. Starts a program. @throws KokoaError tunnel_failed */
  read(): Promise<ReadonlyMap<string, Counters>>;
}
