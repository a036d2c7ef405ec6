// What an edge remembers of backends that are down, from one run to the next. It is a cache: what is lost is asked anew.

/** Of one check, by its name. */
export interface KeptDown {
  id: string;
  /** Since when, ms since the epoch. */
  sinceMs: number;
  /** As `failure` of a VisitorAnswer. */
  reason: string;
}

/** More than that are asked anew. */
export const KEPT_DOWN_MAX = 1_000;

export interface DownStore {
  /** None when there are none, or they are damaged. Never throws. */
  read(): Promise<KeptDown[]>;
  /** Replaces them in one step. @throws KokoaError state_unwritable */
  write(down: readonly KeptDown[]): Promise<void>;
}
