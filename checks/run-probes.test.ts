import { expect, test } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { ok } from './finding.ts';
import { type Probe, runProbes } from './run-probes.ts';

const TIMES = { eachMs: 150, allMs: 250, atOnce: 2 };
const well = (what: string): Probe => ({ what, look: async () => [ok(what, 'well')] });
const hangs = (what: string, seen: AbortSignal[] = []): Probe => ({
  what,
  look: (signal) => {
    seen.push(signal);
    return new Promise(() => undefined);
  },
});

test('what hangs, throws or rejects is a finding, and the others are still looked at', async () => {
  const failing: Probe[] = [
    { what: 'rejects', look: () => Promise.reject(new KokoaError('x', 'no such file', { hint: 'make it' })) },
    {
      what: 'throws',
      look() {
        throw new TypeError('oh');
      },
    },
  ];
  const signals: AbortSignal[] = [];
  const found = await runProbes([well('first'), hangs('hangs', signals), ...failing, well('last')], TIMES);
  expect(found.map(({ level, what }) => [level, what])).toEqual([
    ['ok', 'first'],
    ['warning', 'hangs'],
    ['warning', 'rejects'],
    ['warning', 'throws'],
    ['ok', 'last'],
  ]);
  expect(found[2]).toMatchObject({ found: 'it could not be looked at: no such file', todo: 'make it' });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test('all of them end by the time of all', async () => {
  const begin = performance.now();
  const found = await runProbes(
    Array.from({ length: 12 }, (_, at) => hangs(`${at}`)),
    TIMES,
  );
  expect(performance.now() - begin).toBeLessThan(2_000);
  expect(found).toHaveLength(12);
  expect(found.at(-1)).toMatchObject({ level: 'warning', found: 'there was no time left to look' });
});
