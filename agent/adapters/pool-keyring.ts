// The pool's identity in one 0600 file. A file that does not parse counts as absent: a member wraps the identity again.
import { dirname } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import type { HeldIdentity, PoolKeyring } from '../ports/pool-keyring.ts';
import { diskTrouble } from './disk-trouble.ts';
import { makeDirectory, readBounded, writeDurably } from './durable-write.ts';

const FILE_BYTES_MAX = 256 * 1024;

/** The keyring in `path`; its folder is made with mode 0700. */
export function createPoolKeyring(path: string): PoolKeyring {
  return {
    async load() {
      const text = await readBounded(path, FILE_BYTES_MAX).catch(() => undefined);
      if (text === undefined) return undefined;
      try {
        const value: unknown = JSON.parse(text);
        return isHeldIdentity(value) ? value : undefined;
      } catch {
        return undefined;
      }
    },

    async save(held) {
      try {
        await makeDirectory(dirname(path));
        await writeDurably(path, `${JSON.stringify(held)}\n`, { ours: true });
      } catch (error) {
        throw new KokoaError('keyring_failed', `cannot keep the pool's identity in ${path}: ${diskTrouble(error)}`, {
          hint: 'check the space and the permissions of the state directory',
          cause: error,
        });
      }
    },
  };
}

function isHeldIdentity(value: unknown): value is HeldIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { pool, epoch, recipient, identity, wrappedFor, escrow } = value as Partial<HeldIdentity>;
  return (
    typeof pool === 'string' &&
    Number.isSafeInteger(epoch) &&
    typeof recipient === 'string' &&
    typeof identity === 'string' &&
    typeof wrappedFor === 'object' &&
    wrappedFor !== null &&
    (escrow === undefined || typeof escrow === 'string') &&
    Object.values(wrappedFor).every((name) => typeof name === 'string')
  );
}
