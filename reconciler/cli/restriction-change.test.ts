// What suspend, resume and revoke decide, and what they tell the operator.
import { expect, it } from 'vitest';
import type { KnownSlot, LocalRestriction } from '../ports/restrictions.ts';
import { type KnownState, resuming, revoking, suspending } from './restriction-change.ts';

const NOW_MS = Date.parse('2026-11-22T08:00:00Z');
const slot = (change: Partial<KnownSlot> = {}): KnownSlot => ({
  ...{ node: 'tokyo-1', role: 'edge', state: 'active', generation: 1, tokenSha256: 't1' },
  ...change,
});
const held = (state: LocalRestriction['state'], change: Partial<LocalRestriction> = {}): LocalRestriction => ({
  ...{ node: 'tokyo-1', state, reason: 'old', sinceMs: NOW_MS - 1000, generation: 1, tokenSha256: 't1' },
  ...change,
});
const state = (
  restrictions: LocalRestriction[] = [],
  slots = [slot(), slot({ node: 'home', role: 'origin' })],
): KnownState => ({
  slots,
  restrictions,
});
const made = (what: LocalRestriction['state'], change: Partial<LocalRestriction> = {}) =>
  held(what, { reason: 'why', sinceMs: NOW_MS, ...change });
const suspend = (of: KnownState, node = 'tokyo-1') => suspending(of, node, 'why', NOW_MS);
const revoke = (of: KnownState, node = 'tokyo-1') => revoking(of, node, 'why', NOW_MS);
const resume = (of: KnownState, node = 'tokyo-1') => resuming(of, node);

const renewed = [slot({ generation: 2, tokenSha256: 't2' })];

it.each([
  ['suspends', suspend, state(), { put: made('suspended') }],
  ['suspends what git drains', suspend, state([], [slot({ state: 'draining' })]), { put: made('suspended') }],
  ['leaves a suspension with its reason', suspend, state([held('suspended')]), {}],
  [
    'suspends anew what was revoked a generation ago',
    suspend,
    state([held('revoked')], renewed),
    {
      put: made('suspended', { generation: 2, tokenSha256: 't2' }),
    },
  ],
  ['revokes', revoke, state(), { put: made('revoked') }],
  [
    'revokes what is suspended, in its place',
    revoke,
    state([held('suspended')]),
    { put: made('revoked'), drop: 'suspended' },
  ],
  ['leaves a revocation with its reason', revoke, state([held('revoked')]), {}],
  [
    'revokes the new generation as well',
    revoke,
    state([held('revoked')], renewed),
    {
      put: made('revoked', { generation: 2, tokenSha256: 't2' }),
    },
  ],
  ['resumes', resume, state([held('suspended')]), { drop: 'suspended' }],
  [
    'resumes what is suspended under a later generation',
    resume,
    state([held('suspended'), held('revoked')], renewed),
    {
      drop: 'suspended',
    },
  ],
  ['resumes a node whose file is gone', resume, state([held('suspended')], []), { drop: 'suspended' }],
])('%s', (_, decide, known, expected) => {
  const { said, ...change } = decide(known);
  expect(change).toEqual(expected);
  expect(said.join('\n')).toContain('tokyo-1');
  for (const line of said) expect(line.length).toBeLessThanOrEqual(80);
});

it.each([
  [
    'suspend what is revoked here',
    () => suspend(state([held('revoked')])),
    'already_revoked',
    'was revoked here at 2026-11-22T07:59:59Z',
  ],
  [
    'resume what is revoked here',
    () => resume(state([held('revoked')])),
    'revoked_for_good',
    'kokoa edge token tokyo-1',
  ],
  ['resume what is not restricted', () => resume(state()), 'not_restricted', 'There is nothing to undo.'],
  [
    'resume what git alone suspends',
    () => resume(state([], [slot({ state: 'suspended' })])),
    'not_restricted',
    'edges/tokyo-1.yaml',
  ],
  [
    'resume what a new generation brought back',
    () => resume(state([held('revoked')], renewed)),
    'not_restricted',
    'nothing to undo',
  ],
  ['suspend a mistyped node', () => suspend(state(), 'tokio-1'), 'name_unknown', 'Did you mean tokyo-1?'],
  ['revoke an unknown node', () => revoke(state(), 'x'), 'name_unknown', 'There are tokyo-1, home.'],
  ['resume an unknown node', () => resume(state([], [])), 'name_unknown', 'Nothing was published'],
  [
    'revoke a node whose file is gone',
    () => revoke(state([held('suspended')], [])),
    'name_unknown',
    'Nothing was published',
  ],
])('refuses to %s', (_, decide, code, words) => {
  const error = (() => {
    try {
      return decide();
    } catch (thrown) {
      return thrown as Error & { hint: string };
    }
  })();
  expect(error).toMatchObject({ code });
  expect('hint' in error && `${error.message} ${error.hint}`).toContain(words);
});

it('tells what git says of it, because that stays', () => {
  const suspended = [slot({ state: 'suspended' })];
  expect(resume(state([held('suspended')], suspended)).said.join('\n')).toMatch(
    /git says suspended\)\n.*stays.*edges\/tokyo-1\.yaml/,
  );
});

it('lists no more names than fit, and shows what was typed as it is', () => {
  const slots = Array.from({ length: 40 }, (_, n) => slot({ node: `node-${n}` }));
  expect(() => suspend(state([], slots), 'nobody\u001b[31m')).toThrow('"nobody\\u001b[31m"');
  try {
    suspend(state([], slots), 'nobody');
  } catch (error) {
    expect((error as { hint: string }).hint).toMatch(/^There are node-0, .*, node-9, …\.$/);
  }
  expect.assertions(2);
});
