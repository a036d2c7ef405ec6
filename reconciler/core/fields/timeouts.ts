// `timeouts`: how long the edge waits for a backend.
import type { Timeouts } from '../../../schemas/types.ts';
import { millisecondsOf } from '../duration.ts';
import { block, type FieldCheck, one, refuse } from './field.ts';

export const timeouts = block<Timeouts>({ connect: atMost('1m'), read: atMost('24h'), send: atMost('24h') });

function atMost(limit: string): FieldCheck<string> {
  return one((typed, place) => {
    if (millisecondsOf(typed) <= millisecondsOf(limit)) return [];
    const message = `found ${typed}, expected at most ${limit}`;
    return [refuse(place, 'KK116', message, `write ${limit} or less`)];
  });
}
