// What an edge remembers of its pool's identity between starts, so that an older one is never taken again. Secret.

export interface HeldIdentity {
  pool: string;
  /** Only grows. */
  epoch: number;
  /** age recipient of `identity`. */
  recipient: string;
  /** `AGE-SECRET-KEY-1…`. */
  identity: string;
  /** node → the recipient that its wrap was for, as this edge saw it: a change means that the machine changed. */
  wrappedFor: Record<string, string>;
  /** The escrow key of the signed config when it was wrapped to that one; absent: to none. */
  escrow?: string;
}

export interface PoolKeyring {
  /** Undefined when there is none, or it is torn. */
  load(): Promise<HeldIdentity | undefined>;
  /** Durable when it resolves. @throws KokoaError keyring_failed */
  save(held: HeldIdentity): Promise<void>;
}
