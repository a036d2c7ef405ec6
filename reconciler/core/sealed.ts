// Secrets that edges need, as the compiler sees them: texts that it cannot read, encrypted to the edges of one pool.
import type { SecretReference } from '../../schemas/types.ts';

/** Never changes: where one text differs, it is another Sealed, and the compiler then asks again. */
export interface Sealed {
  /** Base64, encrypted to the pool's identity. Undefined: not there (yet), and nobody is let in by it. */
  of(pool: string, team: string, reference: SecretReference): string | undefined;
}

export const NOTHING_SEALED: Sealed = { of: () => undefined };
