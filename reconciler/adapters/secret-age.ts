// age (https://age-encryption.org/v1) with the reconciler's X25519 identity. Law: the identity stays inside; errors name no secret.
import { createHmac, hkdfSync } from 'node:crypto';
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import { KokoaError } from '../../bundle/error.ts';
import type { SecretSealing } from '../ports/secrets.ts';

const SEALED_CHARACTERS_MAX = 8_192;
const PLAIN_BYTES_MAX = 64 * 1024;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const RECIPIENT = /^age1[02-9ac-hj-np-z]{58}$/;
const DIGEST_KEY_BYTES = 32;

/** @throws KokoaError key_damaged when it is no age X25519 identity */
export async function createSecretSealing(identity: string): Promise<SecretSealing> {
  const recipient = await identityToRecipient(identity).catch(() => {
    throw new KokoaError('key_damaged', 'this is no age X25519 identity', { hint: 'Restore it from its backup.' });
  });
  const key = Buffer.from(hkdfSync('sha256', identity, '', 'kokoa digests of secrets', DIGEST_KEY_BYTES));
  return {
    recipient,
    async open(sealed) {
      if (sealed.length > SEALED_CHARACTERS_MAX || !BASE64.test(sealed))
        throw new KokoaError('unseal_failed', `not base64 of at most ${SEALED_CHARACTERS_MAX} characters`);
      try {
        const decrypter = new Decrypter();
        decrypter.addIdentity(identity);
        const bytes = await decrypter.decrypt(Buffer.from(sealed, 'base64'));
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      } catch {
        // Not the library's words: they are about what a stranger wrote.
        throw new KokoaError('unseal_failed', 'it does not open with the key of this reconciler');
      }
    },
    seal: (to, text) => sealTo(to, text),
    digest: (text) => createHmac('sha256', key).update(text).digest('hex'),
  };
}

/** Base64 of the ciphertext; needs no identity. @throws KokoaError seal_failed */
export async function sealTo(recipient: string, text: string): Promise<string> {
  if (!isRecipient(recipient)) throw new KokoaError('seal_failed', 'the recipient is no age X25519 recipient');
  if (Buffer.byteLength(text) > PLAIN_BYTES_MAX)
    throw new KokoaError('seal_failed', `cannot encrypt more than ${PLAIN_BYTES_MAX} bytes`);
  try {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    return Buffer.from(await encrypter.encrypt(text)).toString('base64');
  } catch (cause) {
    // Right characters and a wrong checksum: a typing error.
    throw new KokoaError('seal_failed', 'the recipient is no age X25519 recipient: its checksum is wrong', { cause });
  }
}

export function isRecipient(text: unknown): text is string {
  return typeof text === 'string' && RECIPIENT.test(text);
}
