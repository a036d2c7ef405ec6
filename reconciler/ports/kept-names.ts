// Names of DNS that this reconciler wrote, or is about to: so that what git no longer wants is found where a zone cannot be listed, and a crash
// leaves nothing behind.
export interface KeptNames {
  /** Of one zone, in no meaningful order. */
  dnsNames(zone: string): Promise<string[]>;
  /** Durable when it resolves. */
  keepDnsNames(zone: string, names: readonly string[]): Promise<void>;
  dropDnsNames(zone: string, names: readonly string[]): Promise<void>;
}
