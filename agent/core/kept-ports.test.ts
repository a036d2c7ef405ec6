import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LINGER_MS, NO_PORTS, type Opening, openOrigin, portsInForce } from './closing-ports.ts';
import { PORTS_MAX } from './firewall.ts';
import { type KeptOpening, keptOf, portsOfKept } from './kept-ports.ts';

const port = fc.integer({ min: 1, max: 65_535 });
const protocol = fc.constantFrom({}, { protocol: 'udp' as const });
const target = fc.constantFrom({}, { host: '192.168.1.20', hostPort: 80 }, { host: '127.0.0.1', hostPort: 3000 });
const opening = fc.tuple(port, protocol, target).map(([port, ...more]) => Object.assign({ port }, ...more) as Opening);
const openings = fc.uniqueArray(opening, {
  maxLength: 20,
  selector: ({ protocol, port }) => `${protocol ?? 'tcp'} ${port}`,
});

describe('ports that are kept for the next agent', () => {
  test('are the same after it was started: nothing closes earlier, nothing later', () => {
    const moment = fc.nat({ max: LINGER_MS + 10 });
    fc.assert(
      fc.property(openings, openings, openings, moment, moment, (first, second, third, at, later) => {
        const before = portsInForce(portsInForce(NO_PORTS, first, 0), second, at);
        const kept = JSON.parse(JSON.stringify(keptOf(before))) as KeptOpening[];
        const after = portsOfKept(kept, at + later)!;
        expect(openOrigin(after)).toEqual(openOrigin(before));
        expect(portsInForce(after, third, at + later)).toEqual(portsInForce(before, third, at + later));
      }),
    );
  });

  const many = (more: object) => Array.from({ length: PORTS_MAX + 1 }, (_, at) => ({ port: at + 1, ...more }));
  test.each<[string, KeptOpening[]]>([
    ['a port twice', [{ port: 80 }, { port: 80, untilMs: 5 }]],
    ['a port of its own and of a forward', [{ port: 80 }, { port: 80, host: '192.168.1.2', hostPort: 80 }]],
    ['a service anywhere', [{ port: 80, host: '8.8.8.8', hostPort: 80 }]],
    ['text for a host', [{ port: 80, host: '10.0.0.1}', hostPort: 80 }]],
    ['a time that no port stays open', [{ port: 80, untilMs: 1_000 + LINGER_MS + 1 }]],
    ['more ports than the packet filter takes', many({})],
    ['more UDP ports than that', many({ protocol: 'udp', untilMs: 5 })],
    ['more forwards than that', many({ host: '10.0.0.1', hostPort: 1 })],
  ])('are nobody’s with %s', (_, kept) => {
    expect(portsOfKept(kept, 1_000)).toBeUndefined();
  });

  test('may be many, as long as the packet filter takes them', () => {
    const kept = [...many({}).slice(1), ...many({ protocol: 'udp', untilMs: 5 }).slice(1)];
    expect(portsOfKept(kept, 1_000)?.closing.size).toBe(PORTS_MAX);
  });
});
