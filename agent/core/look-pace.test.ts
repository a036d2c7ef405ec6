import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Peer } from '../../bundle/config.ts';
import { LOOKS_MAX, NOBODY_WATCHED, nextLook, SELDOM_MS, tellable, type Watch, WINDOW_MS } from './look-pace.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const peer = (node: string, next: number): Peer => ({
  ...{ node, address: '10.100.0.1', publicKey: Buffer.alloc(32, 1).toString('base64') },
  nextPublicKey: `next ${next}`,
});

/** How many looks there are, and their newest pace, when a peer's announcements are `keyAt`. */
function play(ms: number, keyAt: (ms: number) => readonly Peer[], start: Watch = NOBODY_WATCHED, fromMs = 0) {
  let [watch, at, looks, pauseMs] = [start, fromMs, 0, 0];
  while (at < fromMs + ms) {
    const peers = keyAt(at);
    ({ watch, pauseMs } = nextLook(watch, peers, at));
    if (peers.length > 0) looks += 1;
    at += pauseMs;
  }
  return { watch, looks, pauseMs, at };
}

describe('how soon to look again', () => {
  test.each([
    ['at first', 0, 15],
    ['after half a minute', 31 * SECOND, 60],
    ['after ten minutes', 11 * MINUTE, SELDOM_MS],
  ])('a key that is not used is looked for less and less: %s', (_, ms, pauseMs) => {
    expect(play(ms + 1, () => [peer('home', 1)]).pauseMs).toBe(pauseMs);
  });

  test('nobody with two keys is looked for four times a second', () => {
    expect(nextLook(NOBODY_WATCHED, [], 0).pauseMs).toBe(250);
  });

  test('another key, and a key that comes back, is looked for quickly again', () => {
    const { watch, at } = play(11 * MINUTE, () => [peer('home', 1)]);
    expect(nextLook(watch, [peer('home', 2)], at).pauseMs).toBe(15);
    const { watch: without } = nextLook(watch, [], at);
    expect(nextLook(without, [peer('home', 1)], at + 1).pauseMs).toBe(15);
  });

  test('whatever one node announces, its quick looks in an hour have an end', { timeout: 30_000 }, () => {
    const keys = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 });
    const everyMs = fc.integer({ min: 10, max: 15 * MINUTE });
    fc.assert(
      fc.property(keys, everyMs, (announced, ms) => {
        const at = (now: number) => announced[Math.floor(now / ms) % announced.length]!;
        const keyAt = (now: number) => (at(now) === 0 ? [] : [peer('evil', at(now))]);
        expect(play(WINDOW_MS, keyAt).looks).toBeLessThanOrEqual(LOOKS_MAX + WINDOW_MS / 250);
      }),
      { numRuns: 20 },
    );
  });

  test('a node that changes its next key all the time gets what there is, and takes nothing from another', () => {
    let next = 0;
    const evil = () => peer('evil', ++next);
    const spent = play(10 * MINUTE, () => [evil()]);
    expect(spent.pauseMs).toBe(SELDOM_MS);
    expect(nextLook(spent.watch, [evil(), peer('home', 1)], spent.at).pauseMs).toBe(15);
    const later = play(WINDOW_MS, () => [evil()], spent.watch, spent.at);
    expect(later.looks).toBeLessThanOrEqual(LOOKS_MAX + WINDOW_MS / SECOND + 1);
  });
});

test('of one node ten changes are said in an hour', () => {
  let { watch } = nextLook(NOBODY_WATCHED, [peer('evil', 1), peer('home', 1)], 0);
  const told: string[] = [];
  for (let times = 0; times < 30; times += 1) {
    const some = tellable(watch, ['evil']);
    watch = nextLook(some.watch, [peer('evil', times)], 1).watch;
    told.push(...some.nodes);
  }
  expect(told).toHaveLength(10);
  expect(tellable(watch, ['evil', 'home']).nodes).toEqual(['home']);
  const later = nextLook(watch, [peer('evil', 1)], WINDOW_MS).watch;
  expect(tellable(later, ['evil']).nodes).toEqual(['evil']);
});
