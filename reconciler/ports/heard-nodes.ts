// What nodes said of themselves last, for whoever decides by it.
import type { NodeReport } from './store.ts';

export interface HeardNodes {
  /** The newest report of the bound machine. */
  report(node: string): NodeReport | undefined;
  /** ms since the epoch; undefined: it was never heard of. */
  lastSeenMs(node: string): number | undefined;
}
