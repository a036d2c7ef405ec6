// Who makes, opens, wraps or rotates the pool's identity.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ESCROW_NAME, type PoolIdentity } from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import { EPOCH_LEAP_MAX, EPOCH_STEP_MAX, LEAP_PATIENCE_MS } from './identity-epoch.ts';
import {
  ESCROW_PATIENCE_MS,
  type IdentitySituation,
  planIdentity,
  RANK_STAGGER_MS,
  WRAP_PATIENCE_MS,
} from './pool-identity.ts';
import { wrappedForOf } from './relayed-identity.ts';

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

test('a holder wraps for members without a wrap', () => {
  expect(plan({ held: HELD, relayed: identity() })).toEqual({ kind: 'settled' });
  const newcomer = plan({ held: HELD, relayed: identity(), members: [A, B, C] });
  expect(newcomer).toEqual({ kind: 'wrap' });
});

test('a holder puts its identity again when the mailbox lost it or shows an older one', () => {
  expect(plan({ held: HELD })).toEqual({ kind: 'wrap' });
  expect(plan({ held: { ...HELD, epoch: 3 }, relayed: identity() })).toEqual({ kind: 'wrap' });
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
  ['with an epoch that no answer would be above', identity({ epoch: Number.MAX_SAFE_INTEGER })],
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

/** The plan, and the one that follows when the first one waited as long as it asks. */
function inTheEnd(change: Partial<IdentitySituation>) {
  const first = plan(change);
  if (first.kind !== 'wait') return { waitedMs: 0, follows: first };
  const waitedMs = first.untilMs! - NOW;
  return {
    waitedMs,
    follows: plan({ ...change, now: NOW + waitedMs, waiting: { reason: first.reason, sinceMs: NOW } }),
  };
}

test('a number far ahead is followed after a while, one that would use the numbers up never', () => {
  const at = (epoch: number) => identity({ epoch, recipient: 'age1next', by: 'b-1' });
  expect(plan({ held: HELD, relayed: at(1 + EPOCH_STEP_MAX) }).kind).toBe('open');
  for (const epoch of [2 + EPOCH_STEP_MAX, 1 + EPOCH_LEAP_MAX])
    expect(inTheEnd({ held: HELD, relayed: at(epoch) })).toMatchObject({
      waitedMs: LEAP_PATIENCE_MS,
      follows: { kind: 'open' },
    });
  for (const epoch of [2 + EPOCH_LEAP_MAX, Number.MAX_SAFE_INTEGER]) {
    expect(plan({ held: HELD, relayed: at(epoch) })).toEqual({ kind: 'wrap' });
    // Nor by an edge that holds nothing: it begins at the start.
    expect(inTheEnd({ relayed: at(epoch) }).follows).toMatchObject({ kind: 'make', epoch: 1 });
  }
  // Whoever holds nothing follows at once, and the number that the config asks for counts as well.
  expect(plan({ relayed: at(EPOCH_LEAP_MAX) }).kind).toBe('open');
  expect(plan({ held: HELD, identityEpoch: 5000, relayed: at(6000) }).kind).toBe('open');
});

test.each([
  ['which it holds', { ...HELD, epoch: 1_000_000 }, 0],
  ['which it never opened', HELD, LEAP_PATIENCE_MS],
])('when who put an enormous epoch is gone, an edge %s makes a larger one', (_title, held, waitedMs) => {
  const relayed = identity({ epoch: 1_000_000, by: 'b-1' });
  expect(inTheEnd({ members: [A, C], held, relayed })).toMatchObject({
    waitedMs,
    follows: { kind: 'make', epoch: 1_000_001 },
  });
});

test.each<[string, Partial<PoolIdentity>]>([
  ['of a larger epoch', { epoch: 5 }],
  ['that took its epoch', { epoch: 2, recipient: 'age1theirs' }],
])(
  'an identity %s whose signer is nobody here is outbid after a while, so that it bars nobody for ever',
  (_title, it) => {
    const situation = { held: { ...HELD, epoch: 2 }, relayed: identity({ ...it, by: 'gone-1' }) };
    const epoch = (it.epoch ?? 0) + 1;
    expect(inTheEnd(situation)).toMatchObject({ waitedMs: WRAP_PATIENCE_MS, follows: { kind: 'outbid', epoch } });
  },
);

test('a wrap for a node that the config does not name is remembered as one for a stranger', () => {
  expect(wrappedForOf(identity({ wraps: { 'a-1': 'x', gone: 'y' } }), [A])).toEqual({
    'a-1': A.recipient,
    gone: 'unknown',
  });
});

const AWAITED = new Set(['c-1']);
const FOUR = { members: [A, B, C], unapproved: AWAITED };

test('a member that awaits approval is told so once, and gets its wrap with the approval', () => {
  expect(plan({ ...FOUR, held: HELD, relayed: identity() })).toEqual({ kind: 'wrap' });
  const told = identity({ withheld: ['c-1'] });
  expect(plan({ ...FOUR, held: HELD, relayed: told })).toEqual({ kind: 'settled' });
  expect(plan({ members: [A, B, C], held: HELD, relayed: told })).toEqual({ kind: 'wrap' });
  // Somebody else, who asks for no approval, gave it already.
  const given = identity({ wraps: { 'a-1': 'x', 'b-1': 'y', 'c-1': 'z' } });
  expect(plan({ ...FOUR, held: HELD, relayed: given })).toEqual({ kind: 'settled' });
});

test('a newcomer that is told to wait for a person never makes an identity of its own', () => {
  const relayed = identity({ withheld: ['c-1'] });
  const waits = plan({ me: 'c-1', members: [A, B, C], relayed });
  expect(waits).toEqual({ kind: 'wait', reason: 'a person has to approve this edge on a-1' });
  const waiting = { reason: (waits as { reason: string }).reason, sinceMs: 0 };
  expect(plan({ me: 'c-1', members: [A, B, C], relayed, waiting })).toEqual(waits);
});

test('what a member that awaits approval made is not opened; a holder answers with a larger epoch, one without waits', () => {
  const theirs = identity({ epoch: 4, recipient: 'age1theirs', by: 'c-1', wraps: { 'a-1': 'x', 'c-1': 'y' } });
  expect(plan({ ...FOUR, held: HELD, relayed: theirs })).toMatchObject({ kind: 'outbid', epoch: 5 });
  expect(plan({ ...FOUR, held: { ...HELD, epoch: 9 }, relayed: theirs })).toEqual({ kind: 'wrap' });
  for (const now of [NOW, NOW + 10 * WRAP_PATIENCE_MS])
    expect(plan({ ...FOUR, relayed: theirs, now }).kind).toBe('wait');
  // Two edges that both wait for a person: one of them is silent.
  const standOff = identity({ ...theirs, withheld: ['a-1'] });
  expect(plan({ ...FOUR, held: HELD, relayed: standOff }).kind).toBe('wait');
  // What is held here anyway may be passed on by anybody.
  const same = identity({ by: 'c-1', wraps: { 'a-1': 'x', 'b-1': 'y', 'c-1': 'z' } });
  expect(plan({ ...FOUR, held: HELD, relayed: same })).toEqual({ kind: 'settled' });
  const far = identity({ ...theirs, epoch: 999_999 });
  const waits = plan({ ...FOUR, held: HELD, relayed: far });
  expect(waits).toMatchObject({ kind: 'wait', untilMs: NOW + LEAP_PATIENCE_MS });
  const waited = { waiting: { reason: (waits as { reason: string }).reason, sinceMs: NOW - LEAP_PATIENCE_MS } };
  expect(plan({ ...FOUR, ...waited, held: HELD, relayed: far })).toMatchObject({ kind: 'outbid', epoch: 1_000_000 });
});

const E = 'age1escrow';

test('an escrow key gets its wrap, unless it awaits approval', () => {
  expect(plan({ escrow: E, held: HELD, relayed: identity() })).toEqual({ kind: 'wrap' });
  const awaited = new Set([ESCROW_NAME]);
  expect(plan({ escrow: E, held: HELD, relayed: identity(), unapproved: awaited })).toEqual({ kind: 'settled' });
  const relayed = identity({ escrow: { recipient: E, wrap: 'x' } });
  expect(plan({ escrow: E, held: { ...HELD, escrow: E }, relayed })).toEqual({ kind: 'settled' });
});

test.each([
  ['is another one', 'age1other'],
  ['is gone', undefined],
])('the identity is made anew when the escrow key %s', (_title, escrow) => {
  const relayed = identity({ escrow: { recipient: E, wrap: 'x' } });
  expect(plan({ escrow, held: { ...HELD, escrow: E }, relayed })).toMatchObject({ kind: 'make', epoch: 2 });
});

test('two edges that are told of different escrow keys do not make one identity after the other', () => {
  // This one opened what the other wrapped to the key of before.
  const relayed = identity({ escrow: { recipient: E, wrap: 'x' } });
  const situation = { escrow: 'age1other', held: HELD, relayed };
  const waits = plan(situation);
  expect(waits).toMatchObject({ kind: 'wait', untilMs: NOW + ESCROW_PATIENCE_MS });
  const waiting = { reason: (waits as { reason: string }).reason, sinceMs: NOW };
  expect(plan({ ...situation, waiting, now: NOW + ESCROW_PATIENCE_MS })).toMatchObject({ kind: 'make', epoch: 2 });
  // A newcomer does not wait for that.
  expect(plan({ ...situation, members: [A, B, C] })).toEqual({ kind: 'wrap' });
});

test('an identity below the epoch that the config asks for is made anew, once', () => {
  expect(plan({ identityEpoch: 7, held: HELD, relayed: identity() })).toMatchObject({ kind: 'make', epoch: 7 });
  const held = { ...HELD, epoch: 7 };
  expect(plan({ identityEpoch: 7, held, relayed: identity({ epoch: 7 }) })).toEqual({ kind: 'settled' });
  expect(plan({ identityEpoch: 7 })).toMatchObject({ kind: 'make', epoch: 7 });
});

test.each<[string, Partial<PoolIdentity>]>([
  ['escrow that is no object', { escrow: 7 as never }],
  ['escrow without a wrap', { escrow: { recipient: E } as never }],
  ['withheld names that are no list', { withheld: 'c-1' as never }],
])('an identity with %s is not opened', (_title, change) => {
  expect(plan({ relayed: identity(change), held: HELD })).toEqual({ kind: 'wrap' });
});
