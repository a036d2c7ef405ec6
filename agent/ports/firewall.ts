// The packet filter on the tunnel. The whole table is one text, swapped atomically.

export interface Firewall {
  /** Replaces the agent's own table by `ruleset` in one transaction; other tables are not touched. @throws KokoaError firewall_failed */
  apply(ruleset: string): Promise<void>;
  /** True when the table in force is the one last applied. */
  matches(): Promise<boolean>;
  /**
   * Packets of allowed forwards that the agent's rules led on and that another packet filter of this machine dropped, since the last
   * `apply`. 0 without such forwards. @throws KokoaError firewall_failed
   */
  droppedByOthers(): Promise<number>;
  /** Removes the agent's own table. */
  remove(): Promise<void>;
}
