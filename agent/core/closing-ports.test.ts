import { describe, expect, it } from 'vitest';
import { LINGER_MS, NO_PORTS, openPorts, portsInForce } from './closing-ports.ts';

describe('ports in force', () => {
  it('opens a declared port at once', () => {
    expect(openPorts(portsInForce(NO_PORTS, [8080], 0))).toEqual([8080]);
  });

  it('keeps a port that is no longer declared for as long as edges need, and closes it then', () => {
    const first = portsInForce(NO_PORTS, [8080], 0);
    const moved = portsInForce(first, [8081], 1000);
    expect(openPorts(moved)).toEqual([8080, 8081]);
    expect(openPorts(portsInForce(moved, [8081], 1000 + LINGER_MS - 1))).toEqual([8080, 8081]);
    expect(openPorts(portsInForce(moved, [8081], 1000 + LINGER_MS))).toEqual([8081]);
  });

  it('does not start the wait again at every look', () => {
    let ports = portsInForce(portsInForce(NO_PORTS, [1], 0), [], 0);
    for (let now = 0; now < LINGER_MS; now += 1000) ports = portsInForce(ports, [], now);
    expect(openPorts(portsInForce(ports, [], LINGER_MS))).toEqual([]);
  });

  it('forgets the wait when the port is declared again', () => {
    const moved = portsInForce(portsInForce(NO_PORTS, [8080], 0), [], 0);
    const back = portsInForce(moved, [8080], 1000);
    expect(back.closing.size).toBe(0);
    expect(openPorts(portsInForce(back, [8080], LINGER_MS * 2))).toEqual([8080]);
  });
});
