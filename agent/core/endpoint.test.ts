import { describe, expect, test } from 'vitest';
import { canonicalEndpoint } from './endpoint.ts';

describe('canonicalEndpoint', () => {
  test.each([
    ['198.51.100.1:51820', '198.51.100.1:51820'],
    ['[2001:DB8:0:0::1]:51820', '[2001:db8::1]:51820'],
    ['198.51.100.1:65536', undefined],
    ['198.51.100.1', undefined],
    ['2001:db8::1:51820', undefined],
    ['[::ffff:198.51.100.1]:1', undefined],
    ['[fe80::1%eth0]:1', undefined],
    ['198.51.100.1:1 allowed-ips 0.0.0.0/0', undefined],
    ['', undefined],
  ])('%s becomes %s', (text, expected) => {
    expect(canonicalEndpoint(text)).toBe(expected);
  });
});
