// Signatures on what pool members relay to each other, and on what they say of orders and their proofs. Law: the signature covers every
// other member of the item, in canonical bytes, and only a key that the signed config names counts.
import type { KeyObject } from 'node:crypto';
import type {
  ChallengeEnd,
  ChallengeQuestion,
  LeaseQuestion,
  OrderEnd,
  PoolIdentity,
  SealedCertificate,
} from './api.ts';
import { canonicalJson } from './canonical.ts';
import { signText, verifyText } from './ed25519.ts';

type Relayed = PoolIdentity | SealedCertificate | LeaseQuestion | OrderEnd | ChallengeQuestion | ChallengeEnd;

/**
 * Answers the item with its ed25519 signature (RFC 8032), base64url, over the canonical JSON of everything else. A signature
 * that it already has is replaced.
 */
export function signRelayed<T extends Relayed>(item: Omit<T, 'signature'>, privateKey: KeyObject): T {
  const signature = signText(canonicalJson({ ...item, signature: undefined }), privateKey);
  return { ...item, signature } as T;
}

/** True when `signature` is that of `signingKey` (raw public key, base64url). False, never an exception, for anything malformed. */
export function verifyRelayed(item: Relayed, signingKey: string): boolean {
  const text = signedText(item);
  return text !== undefined && verifyText(text, item.signature, signingKey);
}

/** Undefined for what has no canonical form. */
function signedText({ signature: _, ...item }: Relayed): string | undefined {
  try {
    return canonicalJson(item);
  } catch {
    return undefined;
  }
}
