// What a certificate that is served says against the one that is held.
import { expect, test } from 'vitest';
import { judgeShown, type Look, lookAgain, lookSoon, type Shown, turnStepMs } from './served-check.ts';

const HELD = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const other: Shown = { kind: 'certificate', fingerprint256: OTHER };
const first: Look = { hostname: 'app.hoge.com', dueMs: 0, differences: 0 };

/** Looks one after the other, and what each found. */
function series(shown: readonly Shown[]): (string | undefined)[] {
  let look = first;
  return shown.map((one) => {
    const { again, difference } = judgeShown(look, one, HELD, 1000);
    look = again ?? first;
    return difference;
  });
}

test('what is held and served is nothing to say, and needs no other look', () => {
  expect(judgeShown(first, { kind: 'certificate', fingerprint256: HELD }, HELD, 1000)).toEqual({});
  expect(judgeShown({ ...first, differences: 9 }, other, undefined, 1000)).toEqual({});
});

test('a difference counts when it stays for three looks, and both are named', () => {
  const text = `another certificate is served: sha256 ${OTHER}, held is ${HELD}`;
  expect(series([other, other, other, other])).toEqual([undefined, undefined, text, text]);
  expect(series([other, other, { kind: 'certificate', fingerprint256: HELD }, other, other])).toEqual(
    Array(5).fill(undefined),
  );
});

test('a refused handshake is a difference, and says how', () => {
  const refused: Shown = { kind: 'refused', reason: 'ERR_SSL_X' };
  expect(series([refused, other, refused]).at(-1)).toBe(`its handshake is refused (ERR_SSL_X), held is sha256 ${HELD}`);
});

test('what nobody could see makes no difference, and ends none', () => {
  expect(judgeShown(first, { kind: 'unknown' }, HELD, 1000)).toEqual({});
  const found = { ...first, differences: 3 };
  expect(judgeShown(found, { kind: 'unknown' }, HELD, 1000)).toEqual({ again: { ...found, dueMs: 61_000 } });
});

test('looks again after 15 s, 30 s, and each minute from then on', () => {
  let look = first;
  const waits = [1, 2, 3, 4].map(() => {
    look = judgeShown(look, other, HELD, 0).again!;
    return look.dueMs / 1000;
  });
  expect(waits).toEqual([15, 30, 60, 60]);
});

test('the list of what is looked at soon is bounded and has each name once', () => {
  let looks: readonly Look[] = [];
  for (let index = 0; index < 1_200; index += 1) looks = lookSoon(looks, `h${index}.b`, index);
  looks = lookSoon(looks, 'h1199.b', 5000);
  expect([looks.length, looks[0]]).toEqual([1_000, { hostname: 'h1199.b', dueMs: 7000, differences: 0 }]);
  expect(lookAgain(looks, { ...first, hostname: 'one-more.b' })).toBe(looks);
  expect(lookAgain([first], first)).toEqual([first]);
});

test.each([
  [1, 60_000],
  [100, 36_000],
  [1_000, 3_600],
  [100_000, 1_000],
])('with %i hostnames one is looked at in turn each %i ms', (hostnames, ms) => {
  expect(turnStepMs(hostnames)).toBe(ms);
});
