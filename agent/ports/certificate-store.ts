// The certificates an edge holds. A pair is whole or absent: what serves never meets a key of another certificate.

/** Where a pair came from: ordered by this edge, handed over by the pool, imported by a person on this edge alone, or given for a route. */
export type CertificateSource = 'ordered' | 'relayed' | 'imported' | 'given';

export interface CertificatePair {
  /** PEM, leaf first. */
  fullchain: string;
  /** PEM. */
  key: string;
}

export interface HeldCertificate {
  /** Canonical; may be `*.name`. */
  hostname: string;
  source: CertificateSource;
  /** Of the leaf, ms since the epoch. */
  notBefore: number;
  notAfter: number;
  /** sha256 of the leaf, lower-case hex. */
  fingerprint256: string;
  /** Compromised edges that never had its key: `NODE/GENERATION`. */
  keptFrom: readonly string[];
}

/** An entry that is torn, or that somebody else put there. */
export interface StrangeEntry {
  entry: string;
  reason: string;
}

export interface CertificateStore {
  /**
   * Replaces the pair of a hostname in one step. The pair was judged before. `keptFrom`: absent: none.
   * @throws KokoaError certificate_store_failed
   */
  write(
    hostname: string,
    pair: CertificatePair,
    source: CertificateSource,
    keptFrom?: readonly string[],
  ): Promise<void>;
  /** Undefined when there is none, or it is torn. */
  read(hostname: string): Promise<CertificatePair | undefined>;
  /**
   * Removes the pair of a hostname, or what is left of a torn one. False: there is none, or somebody else put it there, and it stays.
   * @throws KokoaError certificate_store_failed
   */
  remove(hostname: string): Promise<boolean>;
  list(): Promise<{ held: HeldCertificate[]; strange: StrangeEntry[] }>;
}
