// Ed25519 (RFC 8032) as texts: raw public keys and signatures in base64url. Law: what is malformed never verifies and never throws.
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** 64 bytes in base64url. */
const SIGNATURE = /^[A-Za-z0-9_-]{86}$/;
/** 32 bytes in base64url. */
const PUBLIC_KEY = /^[A-Za-z0-9_-]{43}$/;

/** The signature of the text's UTF-8 bytes. */
export function signText(text: string, privateKey: KeyObject): string {
  return sign(null, Buffer.from(text, 'utf8'), privateKey).toString('base64url');
}

/** True when `signature` is that of the text by `publicKey`. */
export function verifyText(text: string, signature: unknown, publicKey: string): boolean {
  if (typeof signature !== 'string' || !SIGNATURE.test(signature) || !PUBLIC_KEY.test(publicKey)) return false;
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
    return verify(null, Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}
