// `timeouts`: how long the edge waits for a backend.
import type { Timeouts } from '../../../schemas/types.ts';
import { block, type FieldCheck, one, refuse } from './field.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export const timeouts = block<Timeouts>({ connect: atMost('1m'), read: atMost('24h'), send: atMost('24h') });

function atMost(limit: string): FieldCheck<string> {
  return one((typed, place) => {
    if (milliseconds(typed) <= milliseconds(limit)) return [];
    const message = `found ${typed}, expected at most ${limit}`;
    return [refuse(place, 'KK116', message, `write ${limit} or less`)];
  });
}

/** `30s` → 30000. The schema admits only a number and one of ms, s, m, h. */
function milliseconds(typed: string): number {
  const unit = typed.replace(/^[0-9]+/, '');
  return Number(typed.slice(0, -unit.length)) * (UNIT_MS[unit] ?? Number.NaN);
}
