// Which way the machine itself would send.
import type { OwnNetwork } from '../core/networks-overlap.ts';

export interface Routing {
  /** Bare IPv4 address → the interface a packet to it leaves by; `lo` for the machine's own; a host without a route is left out. */
  devices(hosts: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * The IPv4 networks that the machine reaches by another interface than `tunnel`; the way to everywhere is left out.
   * @throws KokoaError routes_unreadable
   */
  networks(tunnel: string): Promise<OwnNetwork[]>;
}
