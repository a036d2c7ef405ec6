// What resolving secrets needs from outside: places that operators fill, encryption, and a memory for what was sealed.
import type { ReadablePlace } from '../core/secret-reference.ts';

export type PlaceReading =
  | { kind: 'text'; text: string }
  /** Never a word of what was read. */
  | { kind: 'unreadable'; reason: string };

export interface SecretPlaces {
  /** Reads again what changed since the last call. Never throws, and never waits longer than a few seconds. */
  read(place: ReadablePlace): Promise<PlaceReading>;
}

/** Of the reconciler. Its identity never leaves the adapter. */
export interface SecretSealing {
  /** What team members encrypt to, `age1…`. */
  recipient: string;
  /** The text. @throws KokoaError unseal_failed when it is malformed, too large or for somebody else */
  open(sealed: string): Promise<string>;
  /** Base64. Two calls answer two texts. @throws KokoaError seal_failed */
  seal(recipient: string, text: string): Promise<string>;
  /** Hex. Whoever lacks the identity can neither make nor test it, so a stored digest tells nothing of the text. */
  digest(text: string): string;
}

/** A secret as it was sealed to a pool. */
export interface SealedText {
  pool: string;
  /** Of what it was made from. */
  digest: string;
  /** The pool's, when it was made. */
  recipient: string;
  /** Base64. */
  sealed: string;
}

/** Encryption is random, and the same state must compile to the same bytes: so what was sealed is kept. One per pool and digest. */
export interface SealedTexts {
  sealedTexts(): Promise<SealedText[]>;
  /** All or nothing: `put` replaces those of the same pool and digest. */
  changeSealedTexts(put: readonly SealedText[], drop: readonly SealedText[]): Promise<void>;
  /** Pool → recipient of the identity in its mailbox. */
  poolRecipients(): Promise<Map<string, string>>;
}
