// Which of many parts makes a test fail, by halves. Law: it says a name only when leaving out all from it on passes and leaving out all
// after it does not; a bounded number of tests, and then nobody.

/** One test shows that they are to blame at all; the others halve up to 128 parts that a change brought. */
export const SEARCH_TESTS_MAX = 8;
/** Where nothing serves yet every part is new: enough for 100 000. */
export const SEARCH_TESTS_MAX_AT_START = 18;

/**
 * @param passesWithout tests with these parts left out; undefined: it could not be tested
 * @returns the part, when the test fails with all of them; undefined: none of them alone, too many, or it could not be tested
 */
export async function firstThatFails(
  parts: readonly string[],
  passesWithout: (names: readonly string[]) => Promise<boolean | undefined>,
  testsMax: number,
): Promise<string | undefined> {
  if (parts.length === 0 || Math.ceil(Math.log2(parts.length)) + 1 > testsMax) return undefined;
  if ((await passesWithout(parts)) !== true) return undefined;
  // With the first `low` parts it passes, with the first `high` it fails.
  let [low, high] = [0, parts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const passes = await passesWithout(parts.slice(middle));
    if (passes === undefined) return undefined;
    if (passes) low = middle;
    else high = middle;
  }
  return parts[low];
}
