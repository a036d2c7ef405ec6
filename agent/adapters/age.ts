// age (https://age-encryption.org/v1) with X25519 alone: no passphrases, no other kinds of key. Bounded in both directions.
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { KokoaError } from '../../bundle/error.ts';
import type { Sealing } from '../ports/sealing.ts';

export const PLAIN_BYTES_MAX = 128 * 1024;
export const SEALED_BASE64_MAX = 256 * 1024;
export const RECIPIENTS_MAX = 256;

const RECIPIENT = /^age1[02-9ac-hj-np-z]{58}$/;
const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export const age: Sealing = {
  generate: () => generateX25519Identity(),

  async recipientOf(identity) {
    try {
      return await identityToRecipient(checkedIdentity(identity));
    } catch (error) {
      throw error instanceof KokoaError ? error : new KokoaError('seal_failed', 'the age identity is damaged');
    }
  },

  async seal(recipients, text) {
    if (recipients.length === 0 || recipients.length > RECIPIENTS_MAX) {
      throw new KokoaError(
        'seal_failed',
        `cannot encrypt to ${recipients.length} recipients, 1 to ${RECIPIENTS_MAX} work`,
      );
    }
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > PLAIN_BYTES_MAX) {
      throw new KokoaError('seal_failed', `cannot encrypt ${bytes.length} bytes, at most ${PLAIN_BYTES_MAX}`);
    }
    const encrypter = new Encrypter();
    for (const recipient of recipients) encrypter.addRecipient(checkedRecipient(recipient));
    return Buffer.from(await encrypter.encrypt(bytes)).toString('base64');
  },

  async open(identity, sealed) {
    const secret = checkedIdentity(identity);
    if (typeof sealed !== 'string' || sealed.length > SEALED_BASE64_MAX || !BASE64.test(sealed)) {
      throw new KokoaError('unseal_failed', `not base64 of at most ${SEALED_BASE64_MAX} characters`);
    }
    try {
      const decrypter = new Decrypter();
      decrypter.addIdentity(secret);
      const text = await decrypter.decrypt(Buffer.from(sealed, 'base64'));
      return new TextDecoder('utf-8', { fatal: true }).decode(text);
    } catch (error) {
      // The library's own words name no secret; they tell a foreign recipient from damage.
      throw new KokoaError('unseal_failed', `cannot decrypt: ${(error as Error).message}`.slice(0, 200), {
        cause: error,
      });
    }
  },
};

function checkedRecipient(recipient: string): string {
  if (RECIPIENT.test(recipient)) return recipient;
  throw new KokoaError('seal_failed', `not an age X25519 recipient: ${JSON.stringify(String(recipient).slice(0, 80))}`);
}

function checkedIdentity(identity: string): string {
  if (IDENTITY.test(identity)) return identity;
  throw new KokoaError('seal_failed', 'not an age X25519 identity');
}
