// DNS as the reconciler uses it: one provider for each zone. Reading and writing are apart, so that what decides cannot write, and what
// writes is one decided change.

export interface DnsReader {
  /** Values of the TXT records at exactly this name, asked at the authority; none where there are none. @throws KokoaError dns_unreachable */
  txt(name: string): Promise<string[]>;
  /** Where a CNAME at this name leads, made up by a wildcard or not. @throws KokoaError dns_unreachable */
  cname(name: string): Promise<string | undefined>;
  /** True when visitors get an address or a CNAME for this name, made up by a wildcard or not. @throws KokoaError dns_unreachable */
  isServed(name: string): Promise<boolean>;
  /** True when a record stands at this very name: what a wildcard makes up does not count. @throws KokoaError dns_unreachable, dns_refused */
  hasOwnRecords(name: string): Promise<boolean>;
}

export interface ChallengeWriter {
  /**
   * Adds one TXT value beside those that are there. The name has a label `_acme-challenge`: no other can be written by this.
   * @throws KokoaError dns_unreachable, dns_refused; a server that says yes may have ignored it: read it back
   */
  addChallenge(name: string, value: string): Promise<void>;
  /** Removes exactly this value, if it is there. @throws KokoaError dns_unreachable, dns_refused */
  removeChallenge(name: string, value: string): Promise<void>;
}

export type DnsProvider = DnsReader & ChallengeWriter;

/** What is public: asked of the resolver of this machine. */
export interface PublicDns {
  /** Undefined: there is no CNAME. @throws KokoaError dns_unreachable */
  cname(name: string): Promise<string | undefined>;
}
