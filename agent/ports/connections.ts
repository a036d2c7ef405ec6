// TCP connections from this machine to backends: ended, and refused for a while.
import type { Target } from '../core/alternatives.ts';

export interface Connections {
  /** Ends every connection to these targets, whatever it waits for. @throws KokoaError reset_failed */
  reset(targets: readonly Target[]): Promise<void>;
  /**
   * New connections to exactly these targets fail at once; those that this program makes do not. It wears off by itself after
   * REFUSED_MS unless it is said again. Empty: everybody may connect. @throws KokoaError reset_failed
   */
  refuse(targets: readonly Target[]): Promise<void>;
}

/** How long a refusal lasts when nobody renews it. */
export const REFUSED_MS = 3_000;
