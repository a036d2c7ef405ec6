// Notices what an operator takes from a node, or gives back, by a command beside the reconciler: soon, also while a fetch hangs, and at no
// cost while nothing changes.
import { sameRestrictions } from './core/local-restriction.ts';
import type { LocalRestriction, Restrictions } from './ports/restrictions.ts';

/** Half of the second that operators are promised. */
const LOOK_MS = 500;

export interface RestrictionWatch {
  /** What is known so far. */
  known(): readonly LocalRestriction[];
  changed(local: readonly LocalRestriction[]): void;
}

/** Looks until the answered function is called. */
export function watchRestrictions(
  store: Pick<Restrictions, 'restrictions'>,
  { known, changed }: RestrictionWatch,
): () => void {
  let looking = false;
  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      const found = await store.restrictions();
      if (!sameRestrictions(found, known())) changed(found);
    } catch {
      // Every run reads them too, and says so.
    } finally {
      looking = false;
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS);
  return () => clearInterval(timer);
}
