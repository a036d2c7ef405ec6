import { expect, test } from 'vitest';
import { judgeEdge, reasonOf, type View } from './edge-verdict.ts';

const UP: View = { up: true, since: '2026-01-01T00:00:00.000Z' };
const DOWN: View = { up: false, since: '2026-01-01T00:00:00.000Z', reason: 'timeout: no answer' };

/** own, the views of peers, silent → state. Of one edge, of two and of three; a view that is not there is of somebody who is cut off. */
const TABLE: [own: View | undefined, peers: View[], isSilent: boolean, state: string][] = [
  // One edge: nobody but the reconciler looks at it, and its heartbeat stands in for the second.
  [UP, [], false, 'up'],
  [DOWN, [], false, 'unknown'],
  [DOWN, [], true, 'down'],
  [UP, [], true, 'up'],
  [undefined, [], false, 'unknown'],
  [undefined, [], true, 'unknown'],
  // Two edges: the reconciler and the other one.
  [UP, [UP], false, 'up'],
  [DOWN, [DOWN], false, 'down'],
  [DOWN, [UP], false, 'unknown'],
  [UP, [DOWN], false, 'unknown'],
  [DOWN, [UP], true, 'unknown'],
  [undefined, [DOWN], true, 'unknown'],
  [undefined, [UP], false, 'up'],
  // Three edges: the reconciler and two others.
  [DOWN, [DOWN, UP], false, 'down'],
  [UP, [DOWN, DOWN], false, 'down'],
  [DOWN, [UP, UP], true, 'up'],
  [UP, [DOWN, UP], false, 'up'],
  [undefined, [DOWN, DOWN], false, 'down'],
  [undefined, [DOWN, UP], false, 'unknown'],
  // Many: two of four are not more than the others.
  [DOWN, [DOWN, UP, UP], false, 'unknown'],
];

test.each(TABLE)('own %j, peers %j, silent %j', (own, peers, isSilent, state) => {
  const named = new Map(peers.map((view, index) => [`edge-${index}`, view]));
  expect(judgeEdge({ own, peers: named, isSilent }).state).toBe(state);
});

test('the reason names everybody who sees it down', () => {
  const peers = new Map([
    ['tokyo-2', DOWN],
    ['osaka-1', DOWN],
    ['nagoya-1', UP],
  ]);
  expect(reasonOf(judgeEdge({ own: DOWN, peers, isSilent: false }))).toBe(
    'timeout: no answer, seen by reconciler, osaka-1 and tokyo-2',
  );
});
