// When routes end: at their minute, known in advance, and found without looking at the others.
import { expect, test } from 'vitest';
import { compile } from './compile.ts';
import { updateDesired } from './desired.ts';
import { expiringBetween, hasExpired, nextExpiry } from './expiry.ts';
import { desiredOf, edge, inputOf, kokoa, origin, route } from './world.fixture.ts';

const at = (time: string) => Date.parse(`2026-11-21T${time}Z`);
const until = (hostname: string, expiresAt?: string) =>
  route(`${hostname}.hoge.com`, 'o1', 80, { ...(expiresAt !== undefined && { expiresAt }) });

const desired = desiredOf([
  until('never'),
  until('a', '2026-11-21T12:00Z'),
  until('b', '2026-11-21T13:00:30Z'),
  until('c', '2026-11-21T13:00:30Z'),
  until('odd', '2026-13-41T99:00Z'),
]);

test.each([
  ['11:59:59.999', false],
  ['12:00', true],
  ['12:01', true],
])('at %s a route that ends at 12:00 is over: %s', (time, over) => {
  expect(hasExpired({ expiresAt: '2026-11-21T12:00Z' }, at(time))).toBe(over);
});

test('the next end is the first one that is still to come; what is no time never comes', () => {
  const ends = ['11:00', '12:00', '13:00', '13:00:30'].map((time) => nextExpiry(desired, at(time)));
  expect(ends).toEqual([at('12:00'), at('13:00:30'), at('13:00:30'), undefined]);
  expect(nextExpiry(updateDesired(desired, [{ path: 'routes/hoge/a.hoge.com.yaml' }]), 0)).toBe(at('13:00:30'));
});

test.each([
  ['11:00', '11:59', []],
  ['11:00', '12:00', ['a']],
  ['12:00', '11:00', ['a']],
  ['12:00', '13:00:30', ['b', 'c']],
  ['13:00:30', '23:00', []],
])('between %s and %s: %j', (from, to, expected) => {
  const hosts = expiringBetween(desired, at(from), at(to)).map(({ hostname }) => hostname?.split('.')[0]);
  expect(hosts.sort()).toEqual(expected);
});

test('moving the time makes the routes anew whose time it is, and no other', () => {
  const files = Array.from({ length: 600 }, (_, n) => until(`h${n}`, n === 7 ? '2026-11-21T13:00Z' : undefined));
  const input = inputOf([kokoa(), edge('e1'), origin('o1'), ...files]);
  const before = compile(input);
  const entries = ({ routing }: typeof before) =>
    new Set([...routing.pools.get('default')!.buckets.values()].flatMap((bucket) => bucket.entries));
  const same = compile({ ...input, now: new Date(at('12:59')) }, before);
  expect(same.nodes.get('e1')).toBe(before.nodes.get('e1'));
  const after = compile({ ...input, now: new Date(at('13:00')) }, before);
  const fresh = [...entries(after)].filter((entry) => !entries(before).has(entry));
  expect(fresh.map(({ wire }) => [wire.hostname, wire.closed])).toEqual([['h7.hoge.com', 'expired']]);
  expect(after.routing.closed).toBe(1);
});
