// Whom a person approves: the very keys that the signed config names, and nobody by a slip.
import { expect, test } from 'vitest';
import { ESCROW_NAME } from '../../bundle/api.ts';
import type { KokoaError } from '../../bundle/error.ts';
import { memberFingerprint } from '../../bundle/fingerprint.ts';
import { askedFor } from './approve.ts';

const OSAKA = { node: 'osaka-1', recipient: `age1${'q'.repeat(58)}`, signingKey: 'a'.repeat(43) };
const KYOTO = { node: 'kyoto-1', recipient: `age1${'z'.repeat(58)}`, signingKey: 'b'.repeat(43) };
const EDGE = { members: [KYOTO, OSAKA], escrow: `age1${'x'.repeat(58)}` };
const RIGHT = memberFingerprint(KYOTO).replaceAll(' ', '');

test('a machine by the fingerprint of its pool key, the escrow key by itself', () => {
  const { node: name, ...keys } = KYOTO;
  expect(askedFor(EDGE, 'osaka-1', { node: name, fingerprint: RIGHT, escrow: undefined })).toEqual({ name, ...keys });
  const escrow = askedFor(EDGE, 'osaka-1', { node: undefined, fingerprint: '', escrow: EDGE.escrow });
  expect(escrow).toEqual({ name: ESCROW_NAME, recipient: EDGE.escrow, signingKey: '' });
});

test.each([
  ['other keys', { node: 'kyoto-1', fingerprint: '0'.repeat(64), escrow: undefined }, 'other_keys'],
  ['the keys of another member', { node: 'osaka-1', fingerprint: RIGHT, escrow: undefined }, 'unknown_member'],
  ['half a fingerprint', { node: 'kyoto-1', fingerprint: RIGHT.slice(0, 32), escrow: undefined }, 'usage'],
  ['nobody', { node: undefined, fingerprint: '', escrow: undefined }, 'usage'],
  ['both', { node: 'kyoto-1', fingerprint: RIGHT, escrow: EDGE.escrow }, 'usage'],
  ['an edge that is not there', { node: 'nara-1', fingerprint: RIGHT, escrow: undefined }, 'unknown_member'],
  ['another escrow key', { node: undefined, fingerprint: '', escrow: KYOTO.recipient }, 'other_keys'],
])('not %s', (_title, asked, code) => {
  expect(() => askedFor(EDGE, 'osaka-1', asked)).toThrow(expect.objectContaining({ code }));
});

const refusal = (fingerprint: string, own?: Parameters<typeof askedFor>[3]) => {
  try {
    askedFor(EDGE, 'osaka-1', { node: 'kyoto-1', fingerprint, escrow: undefined }, own);
  } catch (error) {
    const { message, hint = '' } = error as KokoaError;
    return `${message}\n${hint}`;
  }
  throw new Error('it was approved');
};

test('what the signed config names is never shown to who types something else: it is to be read on that machine', () => {
  for (const typed of ['0'.repeat(64), `${RIGHT.slice(0, 63)}${RIGHT.endsWith('0') ? '1' : '0'}`]) {
    const said = refusal(typed);
    expect(said.replaceAll(' ', '')).not.toContain(RIGHT.slice(0, 8));
    expect(said).toContain('kokoa-agent status');
    expect(said).toContain('pool key');
  }
  expect(() => askedFor(EDGE, 'osaka-1', { node: undefined, fingerprint: '', escrow: KYOTO.recipient })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining(EDGE.escrow) }),
  );
});

test('another line of status than the pool key is told as that', () => {
  expect(refusal(RIGHT.slice(0, 40))).toContain('64 hex digits');
  expect(refusal('c'.repeat(64))).toContain('`fingerprint` line');
  const own = { poolKey: memberFingerprint(OSAKA), fingerprint: 'd'.repeat(64) };
  expect(refusal(own.poolKey.replaceAll(' ', ''), own)).toContain('pool key of this machine');
  expect(refusal(own.fingerprint, own)).toContain('fingerprint of this machine');
});

test('a fingerprint stands for both keys of a member', () => {
  expect(memberFingerprint({ ...KYOTO, signingKey: OSAKA.signingKey })).not.toBe(memberFingerprint(KYOTO));
  expect(memberFingerprint({ ...KYOTO, recipient: OSAKA.recipient })).not.toBe(memberFingerprint(KYOTO));
});
