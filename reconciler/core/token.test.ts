// Bearer tokens: the hash in git admits, the claims can only refuse.

import fc from 'fast-check';
import { base64url } from 'jose';
import { expect, test } from 'vitest';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';
import { mintToken } from '../adapters/token-mint.ts';
import { type Access, accessOf } from './access.ts';
import { judgeToken } from './token.ts';
import { desiredOf, edge, NOW, origin, sha } from './world.fixture.ts';

const { token, sha256 } = await mintToken({ node: 'e1', generation: 3 });
const slot: Access = { node: 'e1', role: 'edge', generation: 3, state: 'active' };
const known = (more: Partial<Access> = {}) => new Map([[sha256, { ...slot, ...more }]]);
const unsigned = (claims: object) =>
  `${base64url.encode('{"alg":"none"}')}.${base64url.encode(JSON.stringify(claims))}.${base64url.encode('x')}`;

test('the token whose hash is in git speaks for its node', () => {
  expect(judgeToken(token, known(), NOW)).toEqual({
    kind: 'ok',
    node: 'e1',
    role: 'edge',
    generation: 3,
    tokenSha256: sha256,
  });
  expect(sha(token)).toBe(sha256);
});

test.each([
  ['none', '', known(), 'token_missing'],
  ['too long', 'x'.repeat(TOKEN_BYTES_MAX + 1), known(), 'token_too_large'],
  ['garbled', 'not.a.token', known(), 'token_garbled'],
  ['cut', token.slice(0, 60), known(), 'token_garbled'],
  ['without generation', unsigned({ sub: 'e1', jti: 'x' }), known(), 'token_garbled'],
  ['with a generation that is no number', unsigned({ sub: 'e1', jti: 'x', gen: '3' }), known(), 'token_garbled'],
  ['forged with the right claims', unsigned({ sub: 'e1', jti: 'x', gen: 3 }), known(), 'token_unknown'],
  [
    'changed in its last character',
    `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`,
    known(),
    'token_unknown',
  ],
  ['of no node', token, new Map<string, Access>(), 'token_unknown'],
  ['of another node', token, known({ node: 'e2' }), 'token_wrong_node'],
  ['of an older generation', token, known({ generation: 4 }), 'token_wrong_generation'],
  ['of a newer generation', token, known({ generation: 2 }), 'token_wrong_generation'],
  ['of a revoked node', token, known({ state: 'revoked' }), 'token_revoked'],
  ['of a compromised node', token, known({ state: 'compromised' }), 'token_revoked'],
] as const)('a token %s is unauthorized: %3$s', (_, text, access, code) => {
  const verdict = judgeToken(text, access, NOW);
  expect(verdict).toMatchObject({ kind: 'unauthorized', code });
  expect(JSON.stringify(verdict)).not.toContain(text === '' ? 'never' : text.slice(-20));
});

test.each([
  ['draining', 'ok'],
  ['suspended', 'suspended'],
] as const)('a %s node is %s', (state, kind) => {
  expect(judgeToken(token, known({ state }), NOW).kind).toBe(kind);
});

test('a token with an expiry is good until then', async () => {
  const dated = await mintToken({ node: 'e1', generation: 3, expires: new Date(NOW.getTime() + 5000) });
  const access = new Map([[dated.sha256, slot]]);
  expect(judgeToken(dated.token, access, new Date(NOW.getTime() + 4000)).kind).toBe('ok');
  expect(judgeToken(dated.token, access, new Date(NOW.getTime() + 5000))).toMatchObject({
    code: 'token_expired',
    message: `the token expired at ${new Date(NOW.getTime() + 5000).toISOString()}`,
  });
});

test('no text but the token itself is ever let in', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .json()
          .map(base64url.encode)
          .map((part) => `e30.${part}.x`),
      ),
      (text) => {
        expect(judgeToken(text, known(), NOW).kind).toBe('unauthorized');
      },
    ),
  );
});

test('two tokens of one node differ, and a token fits a header', async () => {
  const again = await mintToken({ node: 'e1', generation: 3 });
  expect(again.token).not.toBe(token);
  expect(token).toMatch(/^[A-Za-z0-9_.-]{100,400}$/);
});

test('access lists every slot with a token by its hash, with or without the prefix in YAML', () => {
  const access = accessOf(
    desiredOf([edge('e1', { state: 'suspended', generation: 7 }), origin('o1'), edge('e2', { token: undefined })]),
  );
  expect([...access]).toEqual([
    [sha('token of e1'), { node: 'e1', role: 'edge', generation: 7, state: 'suspended' }],
    [sha('token of o1'), { node: 'o1', role: 'origin', generation: 1, state: 'active' }],
  ]);
});
