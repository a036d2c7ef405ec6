import { describe, expect, test } from 'vitest';
import { isInNetwork, overlapsOf, overlapText } from './networks-overlap.ts';

const own = (...networks: string[]) => networks.map((network) => ({ network, device: 'eth0' }));

describe('the network of the tunnels and the machine’s own', () => {
  test.each<[string, string, string, 'inside' | 'around' | undefined]>([
    ['the LAN itself', '192.168.7.0/24', '192.168.7.0/24', 'inside'],
    ['a network around the LAN', '192.168.0.0/16', '192.168.7.0/24', 'inside'],
    ['half of the LAN', '192.168.7.128/25', '192.168.7.0/24', 'around'],
    ['a part of a large network', '10.100.0.0/16', '10.0.0.0/8', 'around'],
    ['one host that is reached otherwise', '10.100.0.0/16', '10.100.3.4', 'inside'],
    ['the network of the containers', '172.16.0.0/12', '172.17.0.0/16', 'inside'],
    ['a neighbour', '10.100.0.0/16', '10.101.0.0/16', undefined],
    ['the way to everywhere', '10.100.0.0/16', '0.0.0.0/0', undefined],
    ['what is no network', '10.100.0.0/16', 'default', undefined],
    ['IPv6', '10.100.0.0/16', 'fd00::/8', undefined],
  ])('%s: %s against %s', (_, tunnels, network, place) => {
    expect(overlapsOf(tunnels, own(network)).map((overlap) => overlap.place)).toEqual(place ? [place] : []);
  });

  test.each<[string, string | undefined, string, boolean]>([
    ['in it', '10.100.3.1/16', '10.100.0.0/16', true],
    ['with another length', '10.100.3.1/24', '10.100.0.0/16', false],
    ['in another', '10.101.3.1/16', '10.100.0.0/16', false],
    ['without any', undefined, '10.100.0.0/16', false],
    ['with what is none', 'fd00::1/64', '10.100.0.0/16', false],
  ])('an interface %s: %s in %s', (_, address, tunnels, expected) => {
    expect(isInNetwork(address, tunnels)).toBe(expected);
  });

  test('are named with their interfaces, the first few', () => {
    const many = own('10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24', '10.0.4.0/24');
    expect(overlapText(overlapsOf('10.0.0.0/16', many))).toBe(
      '10.0.0.0/24 on eth0, 10.0.1.0/24 on eth0, 10.0.2.0/24 on eth0 and 2 more',
    );
  });
});
