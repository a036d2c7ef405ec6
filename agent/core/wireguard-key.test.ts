import { describe, expect, test } from 'vitest';
import { isWireguardKey, publicKeyOf } from './wireguard-key.ts';

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

describe('publicKeyOf', () => {
  test('derives the public key of a known pair (Bob of RFC 7748, section 6.1), with white space around it', () => {
    const secret = base64('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
    const expected = base64('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    expect(publicKeyOf(`${secret}\n`)).toBe(expected);
  });

  test.each(['', 'short', base64('00'.repeat(31)), base64('00'.repeat(33)), 'x'.repeat(44)])('%j is no key', (text) => {
    expect(publicKeyOf(text)).toBeUndefined();
    expect(isWireguardKey(text)).toBe(false);
  });
});
