// One spelling of a list of addresses, whoever typed it how.
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { expect, test } from 'vitest';
import { canonicalNetworks } from './networks.ts';

test.each([
  ['10.0.0.9', '10.0.0.9/32'],
  ['10.0.0.9/8', '10.0.0.0/8'],
  ['10.255.255.255/13', '10.248.0.0/13'],
  ['255.255.255.255/0', '0.0.0.0/0'],
  ['2001:DB8:0:0::1', '2001:db8::1/128'],
  ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
  ['::1/0', '::/0'],
  ['::ffff:192.0.2.7', '192.0.2.7/32'],
  ['::ffff:192.0.2.7/120', '192.0.2.0/24'],
  ['::ffff:192.0.2.7/95', '::fffe:0:0/95'],
])('%s is %s', (typed, expected) => {
  expect(canonicalNetworks([typed])).toEqual([expected]);
});

test.each(['10.0.0.0/33', '::/129', 'a', '', '10.0.0.1/', '10.0.0.1/8/8'])('%j is none', (typed) => {
  expect(() => canonicalNetworks([typed])).toThrow();
});

test('a list has each network once, IPv4 first, ascending, whatever its order, and stays as it is', () => {
  const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }));
  const v6 = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }));
  const any = fc.oneof(v4, v6).map(([address, length]) => `${address}/${length}`);
  fc.assert(
    fc.property(fc.array(any, { maxLength: 8 }), (typed) => {
      const list = canonicalNetworks([...typed, ...typed]);
      expect(canonicalNetworks(list.toReversed())).toEqual(list);
      expect(canonicalNetworks(typed.toReversed())).toEqual(list);
      const kinds = list.map((cidr) => ipaddr.parseCIDR(cidr)[0].kind());
      expect(kinds).toEqual(kinds.toSorted());
      for (const cidr of list) {
        const family = cidr.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4;
        expect(ipaddr.parseCIDR(cidr)[0].toString()).toBe(family.networkAddressFromCIDR(cidr).toString());
      }
    }),
  );
});
