// Which edges visitors were sent to when it was decided last: a restart changes nothing of it.
import type { Member } from '../core/health/pool-members.ts';

export interface KeptMembers {
  /** By pool. */
  poolMembers(): Promise<ReadonlyMap<string, readonly Member[]>>;
  /** All of a pool; none: the pool is gone. Durable when it resolves. */
  savePoolMembers(pool: string, members: readonly Member[]): Promise<void>;
}
