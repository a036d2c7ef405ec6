// Which backends count as down for the web server: those that are, and for a while those that only just rose. Pure. Law: a fall counts at once, unless
// there are many; a backend that falls again and again stays out for longer each time, so that nobody keeps the web server reading its configuration.

export interface HeldDown {
  /** Names of checks. */
  down: ReadonlySet<string>;
  /** By name: how often it fell, and when last. */
  falls: ReadonlyMap<string, { count: number; atMs: number }>;
  /** When `down` changed lately, ascending. */
  changesMs: readonly number[];
}

export const HOLD_MS_MIN = 5_000;
export const HOLD_MS_MAX = 300_000;
/** Without a fall for so long, the next one is the first. */
const FORGOTTEN_MS = 3_600_000;
const LATELY_MS = 600_000;
/** So many changes of late, and the next fall waits so long after the last one. */
const PAUSES: readonly [changes: number, ms: number][] = [
  [60, 30_000],
  [20, 5_000],
];
const DOUBLED_MAX = 10;

/** `down`: as an earlier run left it. */
export function heldDown(down: Iterable<string>): HeldDown {
  return { down: new Set(down), falls: new Map(), changesMs: [] };
}

/**
 * After a look; times are ms of one clock that never goes back. The same object where nothing changed. `waitMs`: until it may change without anybody
 * falling or rising. `holdMsMin`: of the first fall.
 */
export function afterLook(
  before: HeldDown,
  downNow: ReadonlySet<string>,
  known: (id: string) => boolean,
  nowMs: number,
  holdMsMin = HOLD_MS_MIN,
): { held: HeldDown; waitMs: number } {
  const fallen = [...downNow].filter((id) => !before.down.has(id));
  const changesMs = before.changesMs.filter((ms) => nowMs - ms < LATELY_MS);
  const pauseMs = PAUSES.find(([changes]) => changesMs.length >= changes)?.[1] ?? 0;
  const fallWaitMs = fallen.length === 0 ? Number.POSITIVE_INFINITY : (changesMs.at(-1) ?? -pauseMs) + pauseMs - nowMs;
  const risen = [...before.down].filter((id) => !downNow.has(id));
  const riseWaitMs = (id: string) => {
    const { count = 1, atMs = Number.NEGATIVE_INFINITY } = before.falls.get(id) ?? {};
    // Whoever is asked no more is nobody to wait for.
    if (!known(id)) return 0;
    return atMs + Math.min(HOLD_MS_MAX, holdMsMin * 2 ** Math.min(count - 1, DOUBLED_MAX)) - nowMs;
  };
  const returning = risen.filter((id) => riseWaitMs(id) <= 0);
  const falling = fallWaitMs <= 0 ? fallen : [];
  const waits = [
    ...(falling.length > 0 ? [] : [fallWaitMs]),
    ...risen.filter((id) => !returning.includes(id)).map(riseWaitMs),
  ];
  const waitMs = Math.min(Number.POSITIVE_INFINITY, ...waits);
  if (falling.length + returning.length === 0) return { held: before, waitMs };
  const down = new Set([...before.down, ...falling]);
  for (const id of returning) down.delete(id);
  return {
    held: { down, falls: fallsAfter(before.falls, falling, known, nowMs), changesMs: [...changesMs, nowMs] },
    waitMs,
  };
}

function fallsAfter(
  before: HeldDown['falls'],
  falling: readonly string[],
  known: (id: string) => boolean,
  nowMs: number,
): HeldDown['falls'] {
  const falls = new Map([...before].filter(([id, { atMs }]) => known(id) && nowMs - atMs < FORGOTTEN_MS));
  for (const id of falling) falls.set(id, { count: (falls.get(id)?.count ?? 0) + 1, atMs: nowMs });
  return falls;
}
