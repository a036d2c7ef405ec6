// Recipients that age made, and what becomes of one by a slip of the pen.
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAgeRecipient } from './age-recipient.ts';

const ALPHABET = '023456789acdefghjklmnpqrstuvwxyz';

test('every recipient that age makes is one, and none with another character in its place', async () => {
  for (let round = 0; round < 5; round += 1) {
    const recipient = await identityToRecipient(await generateX25519Identity());
    expect(isAgeRecipient(recipient)).toBe(true);
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 61 }), fc.constantFrom(...ALPHABET), (at, letter) => {
        const wrong = recipient.slice(0, at) + letter + recipient.slice(at + 1);
        expect(isAgeRecipient(wrong)).toBe(wrong === recipient);
      }),
    );
  }
});

test.each(['', 'age1', `age1${'q'.repeat(58)}`, `AGE1${'Q'.repeat(58)}`, 'AGE-SECRET-KEY-1X'])('%j is none', (text) => {
  expect(isAgeRecipient(text)).toBe(false);
});
