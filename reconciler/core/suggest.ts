// "Did you mean": the known word that is nearest to what was typed.

/** Words compared at most: an error message must not cost more than the check that found it. */
const CANDIDATES_MAX = 500;
/** Longer words are not compared. */
const WORD_CHARS_MAX = 63;
const PREFIX_CHARS_MIN = 4;
/** Up to here one edit counts as near, beyond it two. */
const SHORT_WORD_CHARS = 5;

/** The candidate at most two edits away (one, for short words), or one that continues the word; undefined when none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  if (typed.length > WORD_CHARS_MAX) return undefined;
  let best: string | undefined;
  let bestDistance = typed.length <= SHORT_WORD_CHARS ? 2 : 3;
  let compared = 0;
  for (const candidate of candidates) {
    if (++compared > CANDIDATES_MAX) break;
    const known = candidate.toLowerCase();
    if (Math.abs(known.length - typed.length) < bestDistance) {
      const distance = editDistance(typed, known);
      if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
    }
    if (best === undefined && typed.length >= PREFIX_CHARS_MIN && known.startsWith(typed)) best = candidate;
  }
  return best;
}

/** Optimal string alignment: insert, delete, replace, swap neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
