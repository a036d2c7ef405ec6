// Refuses connections to dead backends by a table of its own in nftables. Law: the kernel lets every entry expire, so nothing is ever left
// behind by an agent that ended; and what this program sends passes, because it is what finds the backend alive again.
import { isIPv4 } from 'node:net';
import { KokoaError } from '../../bundle/error.ts';
import type { Target } from '../core/alternatives.ts';
import { type Connections, REFUSED_MS } from '../ports/connections.ts';
import { runProgram } from './program.ts';
import { checkInterfaceName } from './wireguard-link.ts';

export interface RefusalOptions {
  /** The tunnel interface; the table is named after it. */
  interfaceName: string;
  /** Whose connections pass: the user id that this program runs under, which no web server's worker has. */
  userId: number;
  /** Put before every command, e.g. `['ip', 'netns', 'exec', NAME]`. */
  commandPrefix?: readonly string[];
}

export function createConnectionRefusal({
  interfaceName,
  userId,
  commandPrefix = [],
}: RefusalOptions): Pick<Connections, 'refuse'> {
  const device = checkInterfaceName(interfaceName);
  return {
    async refuse(targets) {
      const input = rulesetOf(targets, device, userId);
      const result = await runProgram([...commandPrefix, 'nft', '-f', '-'], { input });
      if (result.ok) return;
      throw new KokoaError('reset_failed', `connections to a dead origin are not refused: ${result.reason}`, {
        hint: 'the agent needs CAP_NET_ADMIN, the program nft, and a kernel with nf_tables',
      });
    },
  };
}

/** One transaction that replaces the table; without targets it only takes it away. */
function rulesetOf(targets: readonly Target[], device: string, userId: number): string {
  const table = `ip kokoa_${device}_dead`;
  // `add` first: to delete what is not there would fail.
  const gone = `add table ${table}\ndelete table ${table}\n`;
  if (targets.length === 0) return gone;
  const elements = targets.map((target) => `${element(target)} timeout ${REFUSED_MS}ms`);
  return `${gone}table ${table} {
  set targets { type ipv4_addr . inet_service; flags timeout; elements = { ${elements.join(', ')} }; }
  chain out {
    type filter hook output priority 0; policy accept;
    oifname "${device}" meta skuid != ${userId} ip daddr . tcp dport @targets reject with tcp reset
  }
}
`;
}

function element({ address, port }: Target): string {
  if (isIPv4(address) && Number.isInteger(port) && port > 0 && port < 65_536) return `${address} . ${port}`;
  throw new KokoaError('reset_failed', `"${address.slice(0, 40)}" and ${port} are no IPv4 address and port`);
}
