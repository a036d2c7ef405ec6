// Who makes, opens, wraps or rotates the pool's identity.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PoolIdentity } from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import {
  type IdentitySituation,
  planIdentity,
  RANK_STAGGER_MS,
  WRAP_PATIENCE_MS,
  wrappedForOf,
} from './pool-identity.ts';

const NOW = 1_800_000_000_000;
const KEYS = new Map<string, KeyObject>();
const [A, B, C] = ['a-1', 'b-1', 'c-1'].map((node) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  KEYS.set(node, privateKey);
  return { node, recipient: `age1${node}`, signingKey: createPublicKey(privateKey).export({ format: 'jwk' }).x! };
}) as [Member, Member, Member];
type Member = { node: string; recipient: string; signingKey: string };

function identity(change: Partial<PoolIdentity> = {}): PoolIdentity {
  const item = {
    pool: 'p',
    epoch: 1,
    recipient: 'age1pool',
    wraps: { 'a-1': 'wa', 'b-1': 'wb' },
    by: 'a-1',
    ...change,
  };
  return signRelayed<PoolIdentity>(item, KEYS.get(item.by) ?? KEYS.get('a-1')!);
}

const HELD = { epoch: 1, recipient: 'age1pool', wrappedFor: { 'a-1': A.recipient, 'b-1': B.recipient } };

function plan(change: Partial<IdentitySituation>) {
  return planIdentity({
    me: 'a-1',
    pool: 'p',
    members: [A, B],
    relayed: undefined,
    held: undefined,
    now: NOW,
    ...change,
  });
}

test('the first member by name makes it, the second only when the first did nothing for a while', () => {
  expect(plan({})).toMatchObject({ kind: 'make', epoch: 1 });
  const waits = plan({ me: 'b-1' });
  expect(waits).toMatchObject({ kind: 'wait', untilMs: NOW + RANK_STAGGER_MS });
  const waiting = { reason: (waits as { reason: string }).reason, sinceMs: NOW };
  expect(plan({ me: 'b-1', waiting, now: NOW + RANK_STAGGER_MS - 1 }).kind).toBe('wait');
  expect(plan({ me: 'b-1', waiting, now: NOW + RANK_STAGGER_MS })).toMatchObject({ kind: 'make', epoch: 1 });
});

test('an edge that the config does not name does nothing', () => {
  expect(plan({ me: 'x-1' })).toMatchObject({ kind: 'wait' });
  expect(plan({ me: 'x-1', held: HELD, relayed: identity() })).toMatchObject({ kind: 'wait' });
});

test('opens its own wrap, and waits for one when there is none', () => {
  const relayed = identity();
  expect(plan({ me: 'b-1', relayed })).toEqual({ kind: 'open', relayed, wrap: 'wb' });
  expect(plan({ me: 'c-1', members: [A, B, C], relayed })).toMatchObject({
    kind: 'wait',
    untilMs: NOW + WRAP_PATIENCE_MS + 2 * RANK_STAGGER_MS,
  });
});

test('a wrap that does not open counts as none; in the end a new identity is made', () => {
  const relayed = identity();
  const stuck = { me: 'b-1', relayed, unopenable: relayed.signature };
  const waits = plan(stuck);
  expect(waits.kind).toBe('wait');
  const waiting = { reason: (waits as { reason: string }).reason, sinceMs: NOW };
  const later = NOW + WRAP_PATIENCE_MS + RANK_STAGGER_MS;
  expect(plan({ ...stuck, waiting, now: later })).toMatchObject({ kind: 'make', epoch: 2 });
  expect(plan({ ...stuck, relayed: identity({ wraps: { 'b-1': 'again' } }) }).kind).toBe('open');
});

test('a holder wraps for members without a wrap and names those never seen before', () => {
  expect(plan({ held: HELD, relayed: identity() })).toEqual({ kind: 'settled' });
  const newcomer = plan({ held: HELD, relayed: identity(), members: [A, B, C] });
  expect(newcomer).toEqual({ kind: 'wrap', newcomers: [C] });
});

test('a holder puts its identity again when the mailbox lost it or shows an older one', () => {
  expect(plan({ held: HELD })).toEqual({ kind: 'wrap', newcomers: [] });
  expect(plan({ held: { ...HELD, epoch: 3 }, relayed: identity() })).toEqual({ kind: 'wrap', newcomers: [] });
});

test('a larger epoch of a member replaces what is held; so does the same epoch that the store kept instead', () => {
  expect(plan({ held: HELD, relayed: identity({ epoch: 2, recipient: 'age1next' }) }).kind).toBe('open');
  expect(plan({ held: HELD, relayed: identity({ recipient: 'age1twin', by: 'b-1' }) }).kind).toBe('open');
});

test.each([
  ['left', [A, C]],
  ['is another machine now', [A, { ...B, recipient: 'age1other' }, C]],
])('a holder makes a new identity when a member %s', (_title, members) => {
  expect(plan({ held: HELD, relayed: identity(), members })).toMatchObject({ kind: 'make', epoch: 2 });
});

test('of several holders the first rotates; the next only when it did nothing', () => {
  const held = { ...HELD, wrappedFor: { ...HELD.wrappedFor, 'c-1': C.recipient } };
  const rotating = { me: 'b-1', held, relayed: identity(), members: [A, B] };
  expect(plan(rotating)).toMatchObject({ kind: 'wait', untilMs: NOW + RANK_STAGGER_MS });
  expect(plan({ ...rotating, me: 'a-1' })).toMatchObject({ kind: 'make', epoch: 2 });
});

test.each<[string, PoolIdentity]>([
  ['of a stranger', identity({ by: 'stranger' })],
  ['of another pool', identity({ pool: 'q' })],
  ['with a flipped epoch', { ...identity(), epoch: 2 }],
  ['with epoch 0', identity({ epoch: 0 })],
  ['signed in another member’s name', { ...identity(), by: 'b-1' }],
  ['with wraps that are no map', { ...identity(), wraps: null as never }],
  ['with a wrap that is no text', identity({ wraps: { 'a-1': 7 as never } })],
])('an identity %s is not opened, and does not take the place of the one held', (_title, relayed) => {
  expect(plan({ relayed }).kind).toBe('wait');
  expect(plan({ relayed, held: HELD }).kind).toBe('wrap');
});

test('epochs only grow, whatever the mailbox shows', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(10_000_000),
      (mine, theirs, laterMs) => {
        const result = plan({
          held: { ...HELD, epoch: mine },
          relayed: identity({ epoch: theirs }),
          now: NOW + laterMs,
        });
        if (result.kind === 'make') expect(result.epoch).toBeGreaterThan(Math.max(mine, theirs));
        if (result.kind === 'open') expect(result.relayed.epoch).toBeGreaterThanOrEqual(mine);
      },
    ),
  );
});

test('a wrap for a node that the config does not name is remembered as one for a stranger', () => {
  expect(wrappedForOf(identity({ wraps: { 'a-1': 'x', gone: 'y' } }), [A])).toEqual({
    'a-1': A.recipient,
    gone: 'unknown',
  });
});
