import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLOCK_TOLERANCE_MS, type ClockEvidence, clockDoubt } from './clock-doubt.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const DAY = 24 * 3600_000;

it.each<[string, Omit<ClockEvidence, 'nowMs'>, string | RegExp | undefined]>([
  ['nothing is known', {}, undefined],
  ['the control plane says the same', { serverMs: NOW - 30_000 }, undefined],
  ['it is a little ahead', { serverMs: NOW - CLOCK_TOLERANCE_MS }, undefined],
  ['it is a little behind', { serverMs: NOW + CLOCK_TOLERANCE_MS }, undefined],
  [
    'it is a year ahead',
    { serverMs: NOW - 365 * DAY },
    '365 days ahead of the control plane, which says 2025-11-22T12:00:00Z',
  ],
  [
    'it is a month behind',
    { serverMs: NOW + 30 * DAY },
    '30 days behind the control plane, which says 2026-12-22T12:00:00Z',
  ],
  ['it is hours ahead', { serverMs: NOW - 5 * 3600_000 }, '5 hours ahead'],
  ['it is minutes behind', { serverMs: NOW + 6 * 60_000 }, '6 minutes behind'],
  [
    'something was signed later',
    { signedMs: NOW + 30 * DAY },
    'at least 30 days behind: it holds what was signed at 2026-12-22',
  ],
  ['something was signed a moment later', { signedMs: NOW + 60_000 }, undefined],
  ['something was signed long ago', { signedMs: NOW - 365 * DAY }, undefined],
  ['the control plane denies what a signature says', { serverMs: NOW, signedMs: NOW + 30 * DAY }, undefined],
  ['a certificate has ended', { certificate: 'has ended' }, /has ended: the clock is ahead, or the certificate over/],
  [
    'a certificate is too new',
    { certificate: 'is not valid yet' },
    /is not valid yet: the clock is behind, or the certificate too new/,
  ],
  [
    'a certificate is too new, and a signature too',
    { certificate: 'is not valid yet', signedMs: NOW + DAY * 9 },
    /at least 9 days behind/,
  ],
  [
    'a certificate has ended, and the time was heard before',
    { certificate: 'has ended', serverMs: NOW - 30 * DAY },
    /30 days ahead/,
  ],
  ['a signature has no time of ours', { signedMs: Number.MAX_SAFE_INTEGER }, /signed at no time at all/],
])('%s', (_, evidence, expected) => {
  const { detail } = clockDoubt({ nowMs: NOW, ...evidence }) ?? {};
  if (expected === undefined) expect(detail).toBeUndefined();
  else expect(detail).toMatch(expected);
});

it('says here what this machine says, and what to do', () => {
  const { detail } = clockDoubt({ nowMs: NOW, serverMs: 0 })!;
  expect(detail).toMatch(
    /^this machine says 2026-11-22T12:00:00Z, .*; set the time, on this machine with timedatectl set-ntp true$/,
  );
});

it('is the same doubt as long as nothing new is known, and always one short line', () => {
  const time = fc.integer({ min: -(2 ** 50), max: 2 ** 50 });
  const evidence = fc.record(
    {
      nowMs: time,
      serverMs: time,
      signedMs: time,
      certificate: fc.constantFrom('has ended' as const, 'is not valid yet' as const),
    },
    { requiredKeys: ['nowMs'] },
  );
  fc.assert(
    fc.property(evidence, fc.integer({ min: 0, max: 3600_000 }), (found, laterMs) => {
      const doubt = clockDoubt(found);
      const later = { ...found, nowMs: found.nowMs + laterMs };
      if (found.serverMs !== undefined) later.serverMs = found.serverMs + laterMs;
      if (doubt && found.serverMs !== undefined) expect(clockDoubt(later)?.state).toBe(doubt.state);
      expect(doubt?.detail ?? '').toMatch(/^[ -~]{0,300}$/);
    }),
  );
});
