// What rounds of a sweep that nothing disturbed have to show: visitors met what they may, and in the long run no more files are kept.
import { differenceOf, filesIn } from './edge-state.ts';
import type { Offer } from './swept-edge.ts';

/** Changes after which no more releases are kept than before. */
const SETTLED_AFTER = 3;

/** @throws Error naming where else a visitor came */
export function judgeVisits(met: readonly string[], offers: readonly Offer[]): void {
  const places = offers.map(({ leadsTo }) => leadsTo);
  const strange = met.filter((place) => !places.includes(place));
  if (strange.length > 0) throw new Error(`a visitor met ${strange.join(', ')}, expected ${places.join(', ')}`);
}

/** To be called after each round without a fault: what a fault left behind may stay until then. @throws Error naming files that stay */
export function createFilesJudge(stateDir: string): () => Promise<void> {
  let baseline: string[] | undefined;
  let clean = 0;
  return async () => {
    clean += 1;
    if (clean < SETTLED_AFTER) return;
    const files = await filesIn(stateDir);
    baseline ??= files;
    const left = differenceOf(baseline, files);
    if (left !== '') throw new Error(`files differ: ${left}`);
  };
}
