// Which of two texts of one pool identity says more. Law: whoever wraps it for one more, or tells one more to wait, says more, and a wrap
// says more than the word that there is none yet; so that what members put can only grow.
import type { PoolIdentity } from '../../bundle/api.ts';

export function identityWeight({ wraps, escrow, withheld = [] }: PoolIdentity): number {
  return 2 * Object.keys(wraps).length + (escrow ? 2 : 0) + withheld.length;
}
