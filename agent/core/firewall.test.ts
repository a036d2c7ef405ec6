import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FirewallRules, firewallTable, renderFirewall } from './firewall.ts';

const ORIGIN: FirewallRules = {
  interfaceName: 'kokoa0',
  role: 'origin',
  address: '10.100.1.1',
  peers: ['10.100.0.2', '10.100.0.1'],
  ports: [9000, 8080, 22],
  allow: [{ from: 8000, to: 9999 }],
};

describe('renderFirewall', () => {
  test('an origin admits from its peers what routes declare and the owner allows', () => {
    expect(renderFirewall(ORIGIN)).toBe(`add table inet kokoa_kokoa0
delete table inet kokoa_kokoa0
table inet kokoa_kokoa0 {
  counter refused { }
  counter spoofed { }
  set peers { type ipv4_addr; elements = { 10.100.0.1, 10.100.0.2 }; }
  set ports { type inet_service; elements = { 8080, 9000 }; }
  chain tunnel {
    type filter hook prerouting priority -150; policy accept;
    iifname != "kokoa0" accept
    ip saddr @peers ip daddr 10.100.1.1 goto peer
    counter name spoofed drop
  }
  chain peer {
    ct state established ct direction reply accept
    ip protocol icmp ct state related accept
    tcp dport @ports ct state { new, established } accept
    counter name refused drop
  }
}
`);
  });

  test.each<[string, Partial<FirewallRules>]>([
    ['an edge', { role: 'edge' }],
    ['an origin whose owner allows nothing', { allow: [] }],
    ['an origin that no route points at', { ports: [] }],
  ])('%s opens no port', (_, rules) => {
    const text = renderFirewall({ ...ORIGIN, ...rules });
    expect(text).not.toContain('dport');
    expect(text).toContain('counter name refused drop');
  });

  test('without peers everything from the tunnel is dropped', () => {
    const text = renderFirewall({ ...ORIGIN, peers: [] });
    expect(text).not.toContain('saddr');
    expect(text).toMatch(/iifname != "kokoa0" accept\n {4}counter name spoofed drop\n/);
  });

  test('the order in which peers and ports come does not matter', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...ORIGIN.peers], { minLength: 2 }),
        fc.shuffledSubarray([...ORIGIN.ports], { minLength: 3 }),
        (peers, ports) => {
          expect(renderFirewall({ ...ORIGIN, peers: [...peers, peers[0]!], ports })).toBe(renderFirewall(ORIGIN));
        },
      ),
    );
  });

  test.each<[string, Partial<FirewallRules>]>([
    ['an interface name that breaks out', { interfaceName: 'x" accept; #' }],
    ['an interface name of 16 characters', { interfaceName: 'a'.repeat(16) }],
    ['a peer with a prefix', { peers: ['10.100.0.0/16'] }],
    ['a peer that is a range', { peers: ['10.100.0.1-10.100.0.9'] }],
    ['a peer in octal', { peers: ['010.100.0.1'] }],
    ['a peer that breaks out', { peers: ['10.100.0.1 }; }; flush ruleset'] }],
    ['an IPv6 peer', { peers: ['fe80::1'] }],
    ['an own address that is a name', { address: 'localhost' }],
    ['port 0', { ports: [0] }],
    ['a port above 65535', { ports: [65_536] }],
    ['a port that is no integer', { ports: [80.5] }],
    ['a port that is text', { ports: ['80, 22' as unknown as number] }],
    ['more peers than the bound', { peers: Array.from({ length: 4097 }, () => '10.100.0.1') }],
    ['more ports than the bound', { ports: Array.from({ length: 4097 }, () => 80) }],
  ])('refuses %s', (_, rules) => {
    expect(() => renderFirewall({ ...ORIGIN, ...rules })).toThrow(expect.objectContaining({ code: 'bad_firewall' }));
  });

  test('no text that is let through changes the shape of the ruleset', () => {
    const shape = (text: string) => text.replace(/[0-9.]+/g, '0').split('\n').length;
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4()), (address) => {
        try {
          expect(shape(renderFirewall({ ...ORIGIN, address, peers: [address] }))).toBe(shape(renderFirewall(ORIGIN)));
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_firewall' });
        }
      }),
    );
  });
});

test('a table is named after its interface', () => {
  expect(firewallTable('kokoa0')).toBe('kokoa_kokoa0');
});
