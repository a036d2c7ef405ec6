// Assertions as a story: each has a sentence, takes its time, and either holds or explains itself. The demo prints them, the
// end-to-end tests run the same ones.
import type { Fleet } from './fleet.ts';
import type { World } from './world.ts';

/** A sentence that is true when `play` resolves. `play` answers what is worth seeing (a time, a number). */
export type Scene = ForEveryLab | ForTheFullLab;

interface ForEveryLab {
  title: string;
  only?: undefined;
  /** @throws UnmetExpectation */
  play(world: World): Promise<string | undefined>;
}

/** What loopback cannot show: tunnels, and a certificate authority that calls back. */
interface ForTheFullLab {
  title: string;
  only: 'full';
  /** @throws UnmetExpectation */
  play(fleet: Fleet): Promise<string | undefined>;
}

export type Chapter = readonly Scene[];

/** Something is not as it should be. */
export class UnmetExpectation extends Error {
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`expected ${expected}; found ${found}`);
    this.name = 'UnmetExpectation';
    this.expected = expected;
    this.found = found;
  }
}

/** @throws UnmetExpectation when `holds` is false; `found` may be any value and is shown as JSON */
export function expect(holds: boolean, expected: string, found: unknown): asserts holds {
  if (!holds) throw new UnmetExpectation(expected, shown(found));
}

export interface Wait<T> {
  /** What is waited for, as a sentence. */
  expected: string;
  /** Undefined: not yet. */
  look(): Promise<T | undefined> | T | undefined;
  /** What there is instead, asked when time is up. */
  found(): unknown;
  /** Default 10 s. */
  timeoutMs?: number;
  /** Default 50 ms. */
  everyMs?: number;
}

/** Looks again and again until there is something. @throws UnmetExpectation when time is up */
export async function eventually<T>(wait: Wait<T>): Promise<T> {
  const { expected, look, found, timeoutMs = 10_000, everyMs = 50 } = wait;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) {
      throw new UnmetExpectation(`${expected} within ${seconds(timeoutMs)}`, shown(found()));
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

const SHOWN_CHARACTERS_MAX = 1_000;

function shown(found: unknown): string {
  const text = typeof found === 'string' ? found : (JSON.stringify(found) ?? 'nothing');
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
