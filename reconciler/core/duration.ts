// Times as files say them.

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `30s` → 30000. The schema admits only a number and one of ms, s, m, h. */
export function millisecondsOf(duration: string): number {
  const unit = duration.replace(/^[0-9]+/, '');
  return Number.parseInt(duration, 10) * (UNIT_MS[unit] ?? Number.NaN);
}
