// Encryption to named receivers. It does not say who sent: what is relayed is signed besides.

export interface Sealing {
  /** A new identity, `AGE-SECRET-KEY-1…`. */
  generate(): Promise<string>;
  /** The public half of an identity, `age1…`. @throws KokoaError seal_failed */
  recipientOf(identity: string): Promise<string>;
  /** Base64 of the ciphertext. @throws KokoaError seal_failed */
  seal(recipients: readonly string[], text: string): Promise<string>;
  /** The text. @throws KokoaError unseal_failed when it is malformed, too large or for somebody else */
  open(identity: string, sealed: string): Promise<string>;
}
