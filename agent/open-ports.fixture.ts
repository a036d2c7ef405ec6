// Open ports that are kept in memory, for tests of what is around them: an agent that was never restarted.
import { NO_PORTS, type PortsInForce } from './core/closing-ports.ts';
import { createOpenPorts, type OpenPorts } from './open-ports.ts';

export function openPortsInMemory(now: () => number = () => 0): OpenPorts {
  let kept: PortsInForce = NO_PORTS;
  return createOpenPorts({
    store: {
      read: async () => kept,
      async write(ports) {
        kept = ports;
      },
    },
    log: { info: () => undefined, warn: () => undefined },
    now,
  });
}
