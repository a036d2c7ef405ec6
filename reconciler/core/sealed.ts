// Secrets that edges need, as the compiler sees them: texts that it cannot read, encrypted to the edges of one pool.
import type { SecretReference } from '../../schemas/types.ts';

/** Never changes: where one text differs, it is another Sealed, and the compiler then asks again. */
export interface Sealed {
  /**
   * Base64, encrypted to the pool's identity: a list of users, or with `hostname` the certificate for it. Undefined: not there (yet), nobody
   * is let in by it, and edges go on with the certificate that they hold.
   */
  of(pool: string, team: string, reference: SecretReference, hostname?: string): string | undefined;
}

export const NOTHING_SEALED: Sealed = { of: () => undefined };
