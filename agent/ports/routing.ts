// Which way the machine itself would send.

export interface Routing {
  /** Bare IPv4 address → the interface a packet to it leaves by; `lo` for the machine's own; a host without a route is left out. */
  devices(hosts: readonly string[]): Promise<ReadonlyMap<string, string>>;
}
