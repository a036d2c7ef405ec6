// age (https://age-encryption.org/v1) with a key that is given once and kept nowhere: the escrow key of a pool, and what it opens. Bounded
// in both directions; errors name no secret.
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import { KokoaError } from '../../bundle/error.ts';
import type { EscrowSealing } from '../escrow-parcel.ts';

const SEALED_BASE64_MAX = 256 * 1024;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export const escrowAge: EscrowSealing = {
  async recipientOf(identity) {
    return identityToRecipient(identity).catch(() => {
      throw new KokoaError('key_damaged', 'this is no age X25519 identity');
    });
  },

  async open(identity, sealed) {
    if (typeof sealed !== 'string' || sealed.length > SEALED_BASE64_MAX || !BASE64.test(sealed))
      throw new KokoaError('unseal_failed', `not base64 of at most ${SEALED_BASE64_MAX} characters`);
    try {
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      const bytes = await decrypter.decrypt(Buffer.from(sealed, 'base64'));
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw new KokoaError('unseal_failed', 'it does not open with this key');
    }
  },

  async seal(recipient, text) {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    return Buffer.from(await encrypter.encrypt(text)).toString('base64');
  },
};
