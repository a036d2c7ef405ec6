import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllowList } from './allow-list.ts';
import { type FirewallRules, firewallTable, renderFirewall } from './firewall.ts';

const ORIGIN: FirewallRules = {
  interfaceName: 'kokoa0',
  role: 'origin',
  address: '10.100.1.1',
  peers: ['10.100.0.2', '10.100.0.1'],
  ports: [9000, 8080, 22],
  udpPorts: [],
  forwards: [],
  guarded: [],
  asked: { icmp: false, scripts: false },
  allow: [{ from: 8000, to: 9999 }],
};

const BY_UDP_ONLY = '8000-9999/udp,192.168.1.20:1-65535/udp,127.0.0.1:1-65535/udp';

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

  test('edges may ping and ask scripts where routes ask for it, whatever the owner allows; and an edge answers neither', () => {
    const asked = { icmp: true, scripts: true };
    const rules = renderFirewall({ ...ORIGIN, allow: [], asked });
    expect(rules).toContain(
      '    icmp type echo-request limit rate 1000/second accept\n    tcp dport 1023 ct state { new, established } accept\n    counter',
    );
    expect(renderFirewall({ ...ORIGIN, asked: { icmp: false, scripts: true } })).not.toContain('echo-request');
    expect(renderFirewall({ ...ORIGIN, role: 'edge', asked })).toBe(renderFirewall({ ...ORIGIN, role: 'edge' }));
  });

  const LAN = { port: 20001, host: '192.168.1.20', hostPort: 8080 };
  const LOOPBACK = { port: 20002, host: '127.0.0.1', hostPort: 3000 };
  const FORWARDING: FirewallRules = {
    ...ORIGIN,
    forwards: [LOOPBACK, LAN, { port: 20003, host: '192.168.1.20', hostPort: 22 }],
    allow: [
      { from: 8000, to: 9999 },
      { host: '192.168.1.20', from: 8080, to: 8080 },
      { host: '127.0.0.1', from: 3000, to: 3000 },
    ],
    guarded: ['kokoa0', 'eth0.5'],
  };

  test('an origin leads on what routes declare and the owner allows, and guards where it forwards', () => {
    expect(renderFirewall(FORWARDING)).toBe(`add table inet kokoa_kokoa0
delete table inet kokoa_kokoa0
table inet kokoa_kokoa0 {
  counter refused { }
  counter spoofed { }
  set peers { type ipv4_addr; elements = { 10.100.0.1, 10.100.0.2 }; }
  set ports { type inet_service; elements = { 8080, 9000 }; }
  set entrances { type inet_service; elements = { 20001, 20002 }; }
  map forwards { type inet_service : ipv4_addr . inet_service; elements = { 20001 : 192.168.1.20 . 8080, 20002 : 127.0.0.1 . 3000 }; }
  set targets { type inet_service . ipv4_addr . inet_service; elements = { 20001 . 192.168.1.20 . 8080, 20002 . 127.0.0.1 . 3000 }; }
  counter led { }
  counter passed { }
  set guarded { type ifname; elements = { "eth0.5", "kokoa0" }; }
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
    tcp dport @entrances ct state { new, established } accept
    counter name refused drop
  }
  chain lead {
    type nat hook prerouting priority -110; policy accept;
    iifname "kokoa0" dnat ip to tcp dport map @forwards
  }
  chain arrived {
    type filter hook prerouting priority -90; policy accept;
    iifname != "kokoa0" accept
    meta l4proto tcp ct original proto-dst . ip daddr . tcp dport @targets accept
    meta l4proto tcp ct direction original ct original proto-dst @entrances counter name refused drop
  }
  chain kept {
    ct original ip daddr 10.100.1.1 meta l4proto tcp ct original proto-dst . ct reply ip saddr . ct reply proto-src @targets accept
    ct original ip daddr 10.100.1.1 ip protocol icmp ct state related accept
    counter name refused drop
  }
  chain routed {
    type filter hook forward priority -300; policy accept;
    iifname "kokoa0" ct state new meta l4proto tcp ct original proto-dst . ip daddr . tcp dport @targets counter name led
    iifname @guarded meta nfproto ipv4 goto kept
  }
  chain passed {
    type filter hook forward priority 300; policy accept;
    iifname "kokoa0" ct state new meta l4proto tcp ct original proto-dst . ip daddr . tcp dport @targets counter name passed
  }
  chain leave {
    type nat hook postrouting priority 90; policy accept;
    iifname "kokoa0" meta l4proto tcp ct original proto-dst . ip daddr . tcp dport @targets masquerade
  }
}
`);
  });

  const BY_UDP: Partial<FirewallRules> = {
    ports: [],
    udpPorts: [8080, 53, 5353],
    forwards: [
      { ...LAN, protocol: 'udp' },
      { ...LOOPBACK, protocol: 'udp' },
      { protocol: 'udp', port: 20003, host: '192.168.1.20', hostPort: 22 },
    ],
    allow: parseAllowList('53/udp,5353/udp,8080,192.168.1.20:8080/udp,127.0.0.1:3000/udp,192.168.1.20:22'),
  };

  test('the same for UDP, beside it and apart from it', () => {
    const byTcp = renderFirewall(FORWARDING).split('\n');
    const byUdp = renderFirewall({ ...FORWARDING, ...BY_UDP }).split('\n');
    const both = renderFirewall({
      ...FORWARDING,
      udpPorts: BY_UDP.udpPorts!,
      forwards: [...FORWARDING.forwards, ...BY_UDP.forwards!],
      allow: [...FORWARDING.allow, ...BY_UDP.allow!].filter(({ to }) => to !== 22),
    }).split('\n');
    const ofUdp = byUdp.filter((line) => /udp/.test(line)).map((line) => line.trim());
    expect(ofUdp).toEqual([
      'set udp_ports { type inet_service; elements = { 53, 5353 }; }',
      'set udp_entrances { type inet_service; elements = { 20001, 20002 }; }',
      'map udp_forwards { type inet_service : ipv4_addr . inet_service; elements = { 20001 : 192.168.1.20 . 8080, 20002 : 127.0.0.1 . 3000 }; }',
      'set udp_targets { type inet_service . ipv4_addr . inet_service; elements = { 20001 . 192.168.1.20 . 8080, 20002 . 127.0.0.1 . 3000 }; }',
      'udp dport @udp_ports ct state { new, established } accept',
      'udp dport @udp_entrances ct state { new, established } accept',
      'iifname "kokoa0" dnat ip to udp dport map @udp_forwards',
      'meta l4proto udp ct original proto-dst . ip daddr . udp dport @udp_targets accept',
      'meta l4proto udp ct direction original ct original proto-dst @udp_entrances counter name refused drop',
      'ct original ip daddr 10.100.1.1 meta l4proto udp ct original proto-dst . ct reply ip saddr . ct reply proto-src @udp_targets accept',
      'iifname "kokoa0" ct state new meta l4proto udp ct original proto-dst . ip daddr . udp dport @udp_targets counter name led',
      'iifname "kokoa0" ct state new meta l4proto udp ct original proto-dst . ip daddr . udp dport @udp_targets counter name passed',
      'iifname "kokoa0" meta l4proto udp ct original proto-dst . ip daddr . udp dport @udp_targets masquerade',
    ]);
    expect(byUdp.filter((line) => /tcp|@entrances|@ports/.test(line))).toEqual([]);
    expect(both.filter((line) => !/udp/.test(line))).toEqual(byTcp);
    expect(both.filter((line) => /udp/.test(line)).map((line) => line.trim())).toEqual(ofUdp);
  });

  test('what stays on the machine needs no chain for what leaves it', () => {
    const text = renderFirewall({ ...FORWARDING, forwards: [LOOPBACK] });
    expect(text).toContain('20002 : 127.0.0.1 . 3000');
    expect(text).not.toMatch(/hook forward|postrouting|guarded/);
  });

  test.each<[string, Partial<FirewallRules>]>([
    ['an edge', { role: 'edge' }],
    ['an origin whose owner allows ports of the machine only', { allow: [{ from: 1, to: 65_535 }] }],
    ['an origin whose owner allows them by UDP', { allow: parseAllowList(BY_UDP_ONLY) }],
    ['an origin whose owner allows by TCP what routes want by UDP', { ...BY_UDP, allow: FORWARDING.allow }],
    ['an origin without forwards', { forwards: [] }],
  ])('%s leads nothing on', (_, rules) => {
    const text = renderFirewall({ ...FORWARDING, ...rules });
    expect(text).not.toMatch(/dnat|masquerade|entrances|targets|guarded/);
  });

  test.each<[string, Partial<FirewallRules>]>([
    ['an edge', { role: 'edge' }],
    ['an origin whose owner allows nothing', { allow: [], udpPorts: [53] }],
    ['an origin whose owner allows the other protocol', { allow: parseAllowList('9000/udp,53'), udpPorts: [53] }],
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
    ['a forward to the internet', { forwards: [{ ...LAN, host: '8.8.8.8' }] }],
    ['a forward to another loopback address', { forwards: [{ ...LAN, host: '127.0.0.2' }] }],
    ['a forward to a cloud’s secrets', { forwards: [{ ...LAN, host: '169.254.169.254' }] }],
    ['a forward that breaks out', { forwards: [{ ...LAN, host: '10.0.0.1 . 80 }; }; flush ruleset' }] }],
    ['a forward of another protocol', { forwards: [{ ...LAN, protocol: 'sctp' as 'udp' }] }],
    [
      'a forward of a protocol that is a member of every object',
      { forwards: [{ ...LAN, protocol: 'toString' as 'udp' }] },
    ],
    ['a port 0 of UDP', { udpPorts: [0] }],
    ['a port of UDP that is text', { udpPorts: ['53, 22' as unknown as number] }],
    ['more ports of UDP than the bound', { udpPorts: Array.from({ length: 4097 }, () => 53) }],
    ['a forward of UDP on a declared port', { udpPorts: [20001], forwards: [{ ...LAN, protocol: 'udp' }] }],
    ['two forwards of UDP on one port', { forwards: [LAN, LAN].map((one) => ({ ...one, protocol: 'udp' as const })) }],
    ['a forward to port 0', { forwards: [{ ...LAN, hostPort: 0 }] }],
    ['a forward on port 0', { forwards: [{ ...LAN, port: 0 }] }],
    ['a forward to a port that is text', { forwards: [{ ...LAN, hostPort: '80 }' as unknown as number }] }],
    ['two forwards on one port', { forwards: [LAN, { ...LOOPBACK, port: LAN.port }] }],
    ['a forward on a declared port', { forwards: [{ ...LAN, port: 8080 }] }],
    ['more forwards than the bound', { forwards: Array.from({ length: 4097 }, () => LAN) }],
    ['an interface that breaks out', { guarded: ['eth0" }; flush ruleset; #'] }],
    ['an interface that is a wildcard', { guarded: ['eth*'] }],
    ['an interface that is a path', { guarded: ['../all'] }],
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
