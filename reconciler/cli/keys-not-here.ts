// Commands that only read the keys of a reconciler: where there are none, nobody is told to make others, which would be another installation.
import { KokoaError } from '../../bundle/error.ts';

/** `hint`: which directory is meant. @throws KokoaError keys_missing with that hint, or what `cause` is */
export function throwKeysNotHere(keys: string, cause: unknown, hint: string): never {
  if (!(cause instanceof KokoaError) || cause.code !== 'keys_missing') throw cause;
  throw new KokoaError('keys_missing', `there are no keys in ${keys}`, { hint, cause });
}
