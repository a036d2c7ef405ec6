// WireGuard keys as text: base64 of 32 bytes, public ones derived from private ones. Law: nothing here keeps or prints a key.
import { createPrivateKey, createPublicKey } from 'node:crypto';

/** DER up to the 32 key bytes of an X25519 private key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** True for base64 of exactly 32 bytes, as `wg` prints keys. */
export function isWireguardKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text);
}

/** What `wg pubkey` prints for a private key, or undefined when `text` is none. White space around it is ignored, as wg does. */
export function publicKeyOf(text: string): string | undefined {
  const privateKey = text.trim();
  if (!isWireguardKey(privateKey)) return undefined;
  const der = Buffer.concat([PKCS8_X25519, Buffer.from(privateKey, 'base64')]);
  const { x } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  return Buffer.from(x!, 'base64url').toString('base64');
}
