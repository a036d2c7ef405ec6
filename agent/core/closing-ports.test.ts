import { describe, expect, it } from 'vitest';
import { LINGER_MS, NO_PORTS, type Opening, openingsOf, openOrigin, portsInForce } from './closing-ports.ts';
import { PORTS_MAX } from './firewall.ts';

const own = (...ports: number[]): Opening[] => ports.map((port) => ({ port }));
const forward = (port: number, host = '192.168.1.20') => ({ port, host, hostPort: 8080 });
const open = (...ports: number[]) => ({ ports, udpPorts: [], forwards: [] });
const UDP = 'udp' as const;

describe('ports in force', () => {
  it('opens what is declared at once, ascending', () => {
    const declared = openingsOf({ ports: [8081, 8080], forwards: [forward(20_001), forward(300)] });
    expect(openOrigin(portsInForce(NO_PORTS, declared, 0))).toEqual({
      ports: [8080, 8081],
      udpPorts: [],
      forwards: [forward(300), forward(20_001)],
    });
  });

  it('opens for UDP what is declared for UDP, and a TCP port of that number is another port', () => {
    const byUdp = { ...forward(300), protocol: UDP };
    const declared = openingsOf({ ports: [8080], udpPorts: [8080, 53], forwards: [forward(300), byUdp] });
    const first = portsInForce(NO_PORTS, declared, 0);
    expect(openOrigin(first)).toEqual({ ports: [8080], udpPorts: [53, 8080], forwards: [forward(300), byUdp] });

    const without = portsInForce(first, openingsOf({ ports: [8080], forwards: [forward(300)] }), 1000);
    expect(openOrigin(without)).toEqual(openOrigin(first));
    const later = portsInForce(without, without.declared, 1000 + LINGER_MS);
    expect(openOrigin(later)).toEqual({ ports: [8080], udpPorts: [], forwards: [forward(300)] });
  });

  it('keeps a port that is no longer declared for as long as edges need, and closes it then', () => {
    const first = portsInForce(NO_PORTS, own(8080), 0);
    const moved = portsInForce(first, own(8081), 1000);
    expect(openOrigin(moved)).toEqual(open(8080, 8081));
    expect(openOrigin(portsInForce(moved, own(8081), 1000 + LINGER_MS - 1))).toEqual(open(8080, 8081));
    expect(openOrigin(portsInForce(moved, own(8081), 1000 + LINGER_MS))).toEqual(open(8081));
  });

  it('does the same with a forward', () => {
    const moved = portsInForce(portsInForce(NO_PORTS, [forward(300)], 0), own(8080), 1000);
    expect(openOrigin(moved)).toEqual({ ...open(8080), forwards: [forward(300)] });
    expect(openOrigin(portsInForce(moved, own(8080), 1000 + LINGER_MS))).toEqual(open(8080));
  });

  it.each<[string, Opening[], Opening[]]>([
    ['a forward to another host', [forward(300)], [forward(300, '192.168.1.21')]],
    ['a forward in place of the machine’s own port', own(300), [forward(300)]],
    ['the machine’s own port in place of a forward', [forward(300)], own(300)],
    ['by UDP', [{ port: 300, protocol: UDP }], [{ ...forward(300), protocol: UDP }]],
  ])('never gives a port two meanings: %s counts at once', (_, before, after) => {
    const lingering = portsInForce(portsInForce(NO_PORTS, before, 0), [], 0);
    const expected = openOrigin(portsInForce(NO_PORTS, after, 0));
    expect(openOrigin(portsInForce(lingering, after, 1))).toEqual(expected);
    expect(openOrigin(portsInForce(portsInForce(NO_PORTS, before, 0), after, 1))).toEqual(expected);
  });

  it('does not start the wait again at every look', () => {
    let ports = portsInForce(portsInForce(NO_PORTS, own(1), 0), [], 0);
    for (let now = 0; now < LINGER_MS; now += 1000) ports = portsInForce(ports, [], now);
    expect(openOrigin(portsInForce(ports, [], LINGER_MS))).toEqual(open());
  });

  it('forgets the wait when the port is declared again', () => {
    const moved = portsInForce(portsInForce(NO_PORTS, own(8080), 0), [], 0);
    const back = portsInForce(moved, own(8080), 1000);
    expect(back.closing.size).toBe(0);
    expect(openOrigin(portsInForce(back, own(8080), LINGER_MS * 2))).toEqual(open(8080));
  });

  it('closes at once, the oldest first, what the packet filter has no room for: a change is never refused for what is gone', () => {
    const many = Array.from({ length: PORTS_MAX - 2 }, (_, at) => at + 10_000);
    const older = portsInForce(portsInForce(NO_PORTS, own(1, 2), 0), own(3, 4), 1);
    const moved = portsInForce(older, [...own(...many), { port: 1, protocol: UDP }], 2);
    expect([...moved.closing.keys()]).toEqual(['tcp 3', 'tcp 4']);
    expect(openOrigin(moved).ports).toHaveLength(PORTS_MAX);
  });
});
