// What an edge remembers of its first certificate authority over a restart.
import type { CaStanding } from '../core/ca-choice.ts';

export interface CaStandingStore {
  /** Undefined: there is nothing, or it cannot be read. Never throws. */
  read(): Promise<CaStanding | undefined>;
  /** @throws system errors */
  write(standing: CaStanding): Promise<void>;
}
