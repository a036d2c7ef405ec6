// Signatures on what pool members relay.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SealedCertificate } from './api.ts';
import { signRelayed, verifyRelayed } from './relayed.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }).x!;

const ITEM = {
  hostname: 'app.hoge.com',
  recipient: 'age1x',
  sealed: 'AAAA',
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2026-04-01T00:00:00.000Z',
  by: 'osaka-1',
};

test('what was signed verifies, whatever the order of its members', () => {
  const signed = signRelayed<SealedCertificate>(ITEM, privateKey);
  const reordered = Object.fromEntries(Object.entries(signed).reverse()) as unknown as SealedCertificate;
  expect(verifyRelayed(signed, publicKey)).toBe(true);
  expect(verifyRelayed(reordered, publicKey)).toBe(true);
  expect(signRelayed<SealedCertificate>(signed, privateKey).signature).toBe(signed.signature);
});

test('a changed character anywhere never verifies', () => {
  const signed = signRelayed<SealedCertificate>(ITEM, privateKey);
  const members = Object.keys(ITEM) as (keyof typeof ITEM)[];
  fc.assert(
    fc.property(
      fc.constantFrom(...members),
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 1 }),
      (member, at, other) => {
        const text = signed[member];
        const index = at % text.length;
        const changed = text.slice(0, index) + other + text.slice(index + 1);
        expect(verifyRelayed({ ...signed, [member]: changed }, publicKey)).toBe(changed === text);
      },
    ),
  );
});

test.each([
  ['an added member', (signed: object) => ({ ...signed, extra: 1 })],
  ['no signature', (signed: object) => ({ ...signed, signature: undefined })],
  ['a signature that is a number', (signed: object) => ({ ...signed, signature: 7 })],
  ['a short signature', (signed: object) => ({ ...signed, signature: 'AAAA' })],
  ['a number that has no canonical form', (signed: object) => ({ ...signed, extra: 1.5 })],
])('%s does not verify and does not throw', (_title, change) => {
  const signed = signRelayed<SealedCertificate>(ITEM, privateKey);
  expect(verifyRelayed(change(signed) as SealedCertificate, publicKey)).toBe(false);
});

test.each(['', 'AAAA', `${publicKey}A`, '*'.repeat(43), 'A'.repeat(43)])('the key %j is not the signer’s', (key) => {
  expect(verifyRelayed(signRelayed<SealedCertificate>(ITEM, privateKey), key)).toBe(false);
});
