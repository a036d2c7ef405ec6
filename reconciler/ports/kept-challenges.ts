// What the reconciler wrote into DNS for a validation and has not taken out again: so that a crash leaves nothing there for ever.

export interface KeptChallenge {
  /** Where the TXT record stands. */
  record: string;
  value: string;
  /** Canonical name of the zone that holds it. */
  zone: string;
  /** Whose order it is for. */
  pool: string;
  certificate: string;
  writtenMs: number;
}

export interface KeptChallenges {
  /** The oldest first. */
  keptChallenges(): Promise<KeptChallenge[]>;
  /** Durable when it resolves; replaces that of the same record and value. */
  keepChallenge(challenge: KeptChallenge): Promise<void>;
  dropChallenge(record: string, value: string): Promise<void>;
}
