// What an edge remembers of the recipients of its pool's identity, and what persons approved there. Public keys alone; no bundle changes it.

/** Who can be wrapped to: a member of the pool, or the escrow key. */
export interface Recipient {
  /** A node, or ESCROW_NAME. */
  name: string;
  /** `age1…`. */
  recipient: string;
  /** Raw ed25519 public key, base64url; empty of the escrow key, which signs nothing. */
  signingKey: string;
}

export interface Stranger extends Recipient {
  /** When the signed config named it first, ISO 8601. */
  since: string;
  /** This edge has wrapped the identity for it. */
  given?: true;
}

export interface RecipientRecord {
  pool: string;
  /** Approved by a person, or there when this edge looked first. What leaves the signed config leaves this list. */
  known: Recipient[];
  /** All others that the signed config names. */
  strangers: Stranger[];
}

export interface RecipientBook {
  /** Undefined when there is none, or it is torn. */
  load(): Promise<RecipientRecord | undefined>;
  /** Durable when it resolves. @throws KokoaError state_unwritable */
  save(record: RecipientRecord): Promise<void>;
  /** What persons approved and no agent has written down yet; none when the disk does not say. */
  approvals(): Promise<Recipient[]>;
  /** Leaves an approval for the agent. @throws KokoaError state_unwritable */
  approve(approved: Recipient): Promise<void>;
  /** Takes approvals away that are written down. Never throws. */
  spend(approved: readonly Recipient[]): Promise<void>;
}
