import { describe, expect, it } from 'vitest';
import { afterLook, type HeldDown, HOLD_MS_MAX, HOLD_MS_MIN, heldDown } from './held-down.ts';

const known = () => true;
const set = (...ids: string[]) => new Set(ids);
const ids = ({ down }: HeldDown) => [...down].sort().join();

describe('what counts as down', () => {
  it('a fall at once, a rise after a while', () => {
    const fallen = afterLook(heldDown([]), set('a'), known, 1_000);
    expect(ids(fallen.held)).toBe('a');
    const more = afterLook(fallen.held, set('a', 'b'), known, 1_100);
    expect(ids(more.held)).toBe('a,b');
    const risen = afterLook(more.held, set('b'), known, 2_000);
    expect([risen.held, risen.waitMs]).toEqual([more.held, HOLD_MS_MIN - 1_000]);
    expect(risen.held).toBe(more.held);
    expect(ids(afterLook(more.held, set('b'), known, 1_000 + HOLD_MS_MIN).held)).toBe('b');
  });

  it('what an earlier run knew, until it has risen', () => {
    const kept = heldDown(['a']);
    expect(afterLook(kept, set('a'), known, 0)).toEqual({ held: kept, waitMs: Number.POSITIVE_INFINITY });
    expect(ids(afterLook(kept, set(), known, 0).held)).toBe('');
  });

  it('nobody who is asked no more', () => {
    const { held } = afterLook(heldDown([]), set('a'), known, 0);
    const after = afterLook(held, set(), () => false, 1);
    expect([ids(after.held), after.held.falls.size]).toEqual(['', 0]);
  });

  it('one that goes to and fro for longer each time, and an hour of calm makes it as good as new', () => {
    let held = heldDown([]);
    let [nowMs, isUp] = [0, false];
    const changes: number[] = [];
    for (; nowMs < 3_600_000; nowMs += 1_000, isUp = !isUp) {
      const next = afterLook(held, isUp ? set() : set('a'), known, nowMs).held;
      if (next !== held) changes.push(nowMs);
      held = next;
    }
    expect(changes.length).toBeLessThan(40);
    const [last = 0, before = 0] = changes.slice(-3).reverse();
    expect(last - before).toBeLessThanOrEqual(HOLD_MS_MAX + 2_000);
    const calm = afterLook(held, set(), known, nowMs + HOLD_MS_MAX).held;
    const again = afterLook(calm, set('a'), known, nowMs + HOLD_MS_MAX + 3_700_000).held;
    expect(again.falls.get('a')?.count).toBe(1);
  });

  it('many that fall one after the other, together', () => {
    let held = heldDown([]);
    let changes = 0;
    const down = new Set<string>();
    for (let nowMs = 0; nowMs < 600_000; nowMs += 500) {
      down.add(`b${nowMs}`);
      const next = afterLook(held, down, known, nowMs).held;
      if (next !== held) changes += 1;
      held = next;
    }
    expect(changes).toBeLessThan(90);
    expect(afterLook(held, down, known, 700_000).held.down.size).toBe(down.size);
  });
});
