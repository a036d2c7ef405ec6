// Signatures on what pool members relay to each other. Law: the signature covers every other member of the item, in canonical
// bytes, and only a key that the signed config names counts.
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { PoolIdentity, SealedCertificate } from './api.ts';
import { canonicalJson } from './canonical.ts';

type Relayed = PoolIdentity | SealedCertificate;

/** 64 bytes in base64url. */
const SIGNATURE = /^[A-Za-z0-9_-]{86}$/;
/** 32 bytes in base64url. */
const PUBLIC_KEY = /^[A-Za-z0-9_-]{43}$/;

/**
 * Answers the item with its ed25519 signature (RFC 8032), base64url, over the canonical JSON of everything else. A signature
 * that it already has is replaced.
 */
export function signRelayed<T extends Relayed>(item: Omit<T, 'signature'>, privateKey: KeyObject): T {
  const signature = sign(null, signedBytes({ ...item, signature: undefined }), privateKey).toString('base64url');
  return { ...item, signature } as T;
}

/** True when `signature` is that of `signingKey` (raw public key, base64url). False, never an exception, for anything malformed. */
export function verifyRelayed(item: Relayed, signingKey: string): boolean {
  if (!PUBLIC_KEY.test(signingKey) || typeof item.signature !== 'string' || !SIGNATURE.test(item.signature))
    return false;
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: signingKey }, format: 'jwk' });
    const { signature, ...rest } = item;
    return verify(null, signedBytes(rest), key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

function signedBytes(item: object): Buffer {
  return Buffer.from(canonicalJson(item), 'utf8');
}
