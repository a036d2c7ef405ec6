// The ports of an origin, over the life of one agent and the next: what is declared, and what stays open a moment longer (ADR 14). Law: an
// agent that is started anew closes nothing earlier than the one before it would have, and nothing later.
import type { NodeConfig } from '../bundle/config.ts';
import { hasExpired, NO_PORTS, openingsOf, type PortsInForce, portsInForce } from './core/closing-ports.ts';
import { createNews, type Log } from './news.ts';
import type { OpenPortsStore } from './ports/open-ports-store.ts';

export interface OpenPortsParts {
  store: OpenPortsStore;
  log: Log;
  /** ms of a clock that nobody sets and that goes on over a restart of the agent: the time of day must not open or close a port. */
  now(): number;
}

export interface OpenPorts {
  /** What is open now; of the agent before this one, until `use`. Never throws. */
  inForce(): Promise<PortsInForce>;
  /** What is open when `config` is in force. Never throws. */
  plan(config: NodeConfig): Promise<PortsInForce>;
  /** Writes it down, before anything is opened or closed by it. A disk that fails changes no port. Never throws. */
  keep(next: PortsInForce): Promise<void>;
  /** That is what the packet filter has from now on. */
  use(ports: PortsInForce): void;
  /** True when the time of some port is over. */
  hasExpired(): boolean;
}

export function createOpenPorts({ store, log, now }: OpenPortsParts): OpenPorts {
  const news = createNews(log);
  let ports: PortsInForce | undefined;
  let recalled: Promise<PortsInForce> | undefined;

  async function recall(): Promise<PortsInForce> {
    const kept = await store.read(now());
    if (kept !== 'damaged') return kept;
    log.warn({}, 'the list of open ports was damaged; only what routes declare is open');
    return NO_PORTS;
  }

  async function inForce(): Promise<PortsInForce> {
    if (ports) return ports;
    // Whoever looks beside the queue asks in the same moment.
    recalled ??= recall();
    const kept = await recalled;
    ports ??= kept;
    return ports;
  }

  return {
    inForce,
    async plan(config) {
      const declared = config.role === 'origin' ? openingsOf(config.origin) : [];
      return portsInForce(await inForce(), declared, now());
    },
    async keep(next) {
      try {
        await store.write(next);
        news.over('open ports', 'the list of open ports is kept again');
      } catch (error) {
        const fields = { reason: error instanceof Error ? error.message : String(error) };
        news.trouble('open ports', 'unwritable', fields, 'the list of open ports cannot be kept for a restart');
      }
    },
    use(next) {
      ports = next;
    },
    hasExpired: () => ports !== undefined && hasExpired(ports, now()),
  };
}
