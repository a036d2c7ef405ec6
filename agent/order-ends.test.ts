// Every order has one end, and the control plane hears of it, now or later.
import { expect, it } from 'vitest';
import type { OrderResult } from '../bundle/api.ts';
import { createOrderEnds } from './order-ends.ts';
import type { ControlPlane } from './ports/control-plane.ts';

const ISSUED: OrderResult = { outcome: 'issued' };
const FAILED: OrderResult = { outcome: 'failed' };

function desk() {
  const told: string[] = [];
  const refused = new Set<string>();
  const control: Pick<ControlPlane, 'orderEnded'> = {
    async orderEnded({ name, outcome, signature }) {
      if (refused.has(name)) return { kind: 'unreachable', message: 'away', retryAfterMs: 1 };
      told.push(`${name} ${outcome} ${signature}`);
      return { kind: 'answered' };
    },
  };
  const ends = createOrderEnds(control, (end) => ({ ...end, by: 'e1', signature: `signed for ${end.server}` }));
  return { told, refused, ends };
}

it('tells the first end of an order, and nothing of what never began', async () => {
  const { told, ends } = desk();
  ends.begun('a', 's');
  ends.ended('a', ISSUED);
  ends.ended('a', FAILED);
  ends.ended('b', FAILED);
  await ends.tell();
  await ends.tell();
  expect(told).toEqual(['a issued signed for s']);
});

it('tells later what it could not tell, and one that is never taken holds up no other', async () => {
  const { told, refused, ends } = desk();
  for (const name of ['a', 'b', 'c']) {
    ends.begun(name, 's');
    ends.ended(name, ISSUED);
  }
  refused.add('a');
  await ends.tell();
  expect(told).toEqual([]);
  await ends.tell();
  expect(told.map((text) => text[0])).toEqual(['b', 'c']);
  refused.clear();
  await ends.tell();
  expect(told.map((text) => text[0])).toEqual(['b', 'c', 'a']);
});

it('tells the newest end of a name that was ordered again meanwhile', async () => {
  const { told, ends } = desk();
  for (const end of [FAILED, ISSUED]) {
    ends.begun('a', 's');
    ends.ended('a', end);
  }
  await ends.tell();
  expect(told).toEqual(['a issued signed for s']);
});
