// Ed25519 keys as signers. A private key stays inside its closure: printing, logging or serialising a signer shows public data only.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { KokoaError } from './error.ts';

/** The public half of a key, as a TUF root names it. */
export interface PublicKey {
  /** sha256 of the key's canonical JSON (TUF specification 4.2.1). */
  keyId: string;
  /** The raw 32 bytes, lower-case hex. */
  publicKeyHex: string;
}

export interface Signer extends PublicKey {
  /** Ed25519 signature, lower-case hex. */
  sign(bytes: Uint8Array): string;
}

/** The keys a reconciler holds to publish. Root keys are elsewhere. */
export interface OnlineKeys {
  targets: Signer;
  snapshot: Signer;
  timestamp: Signer;
}

const privateKeys = new WeakMap<Signer, KeyObject>();

/** A new random key. */
export function generateKey(): Signer {
  return signerFrom(generateKeyPairSync('ed25519').privateKey);
}

/** Three new random keys. */
export function generateOnlineKeys(): OnlineKeys {
  return { targets: generateKey(), snapshot: generateKey(), timestamp: generateKey() };
}

/** Reads a PKCS #8 PEM. @throws KokoaError key_unreadable when it is not an ed25519 private key; the text is never repeated. */
export function signerFromPem(pem: string): Signer {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw unreadable('found something that is no PEM private key');
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unreadable(`found a key of type ${key.asymmetricKeyType}`);
  return signerFrom(key);
}

/** The private key as PKCS #8 PEM. Secret: it belongs in a file of mode 0600 and nowhere else. */
export function exportPem(signer: Signer): string {
  const key = privateKeys.get(signer);
  if (key === undefined) throw unreadable('this signer does not give out its key');
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The id TUF gives to an ed25519 public key. */
export function keyIdOf(publicKeyHex: string): string {
  return sha256Hex(canonicalJson({ keytype: 'ed25519', keyval: { public: publicKeyHex }, scheme: 'ed25519' }));
}

function signerFrom(key: KeyObject): Signer {
  const raw = createPublicKey(key).export({ format: 'jwk' }).x ?? '';
  const publicKeyHex = Buffer.from(raw, 'base64url').toString('hex');
  const signer: Signer = {
    keyId: keyIdOf(publicKeyHex),
    publicKeyHex,
    sign: (bytes) => sign(null, bytes, key).toString('hex'),
  };
  privateKeys.set(signer, key);
  return signer;
}

function unreadable(found: string): KokoaError {
  return new KokoaError('key_unreadable', `expected an ed25519 private key, ${found}`, {
    hint: 'Keys are made by `kokoa keys init`.',
  });
}
