// Assertions as a story: each has a sentence, takes its time, and either holds or explains itself. The demo prints them, the
// end-to-end tests run the same ones.

export interface Scene<World> {
  /** A sentence that is true when `play` resolves. */
  title: string;
  /** Checks it. Answers what is worth seeing (a time, a number). @throws Error that says what was found instead */
  play(world: World): Promise<string | undefined>;
}

export type Chapter<World> = readonly Scene<World>[];

/** Found against expected. @throws Error when `holds` is false */
export function expect(holds: boolean, found: string): asserts holds {
  if (!holds) throw new Error(found);
}

/** Repeats `look` until it answers something. @throws Error with the last thing `explain` said */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: () => string,
  timeoutMs = 10_000,
  everyMs = 50,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
