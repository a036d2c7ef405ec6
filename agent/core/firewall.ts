// The packet filter on the tunnel as one text for nft. Law: from the tunnel nothing gets in but answers, and on an origin the ports
// that a route declares and the owner allows. It decides in prerouting, before Docker's DNAT could turn a packet to a container.
import ipaddr from 'ipaddr.js';
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { allowedPorts, type PortRange } from './allow-list.ts';

/** After connection tracking (-200), before destination NAT (-100), where Docker publishes ports. nft(8), priorities. */
const PRIORITY = -150;
const PEERS_MAX = 4096;
const PORTS_MAX = 4096;

export interface FirewallRules {
  /** The tunnel interface. */
  interfaceName: string;
  role: NodeRole;
  /** The node's own bare IPv4 in the tunnel. */
  address: string;
  /** The peers' bare IPv4 addresses; a packet from any other is spoofed. */
  peers: readonly string[];
  /** TCP ports that routes declare; ignored on an edge. */
  ports: readonly number[];
  /** What the owner allows; ignored on an edge. */
  allow: readonly PortRange[];
}

/** The table that belongs to a tunnel interface. */
export function firewallTable(interfaceName: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(interfaceName)) throw bad('the interface name is malformed');
  return `kokoa_${interfaceName}`;
}

/**
 * The input of `nft -f -`: one transaction that replaces the table of this interface, and nothing else. The same rules are the same text.
 * @throws KokoaError bad_firewall for a value that is not a plain IPv4 address, port or interface name
 */
export function renderFirewall(rules: FirewallRules): string {
  const table = firewallTable(rules.interfaceName);
  const peers = addresses(rules.peers);
  const ports = rules.role === 'origin' ? openPorts(rules) : [];
  const [own] = addresses([rules.address]);
  const lines = [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  counter refused { }',
    '  counter spoofed { }',
    ...set('peers', 'ipv4_addr', peers),
    ...set('ports', 'inet_service', ports),
    '  chain tunnel {',
    `    type filter hook prerouting priority ${PRIORITY}; policy accept;`,
    `    iifname != "${rules.interfaceName}" accept`,
    // One address for all that follows: neither IPv6 nor a machine behind this one is reached through the tunnel.
    ...(peers.length > 0 ? [`    ip saddr @peers ip daddr ${own} goto peer`] : []),
    '    counter name spoofed drop',
    '  }',
    '  chain peer {',
    '    ct state established ct direction reply accept',
    '    ip protocol icmp ct state related accept',
    // Also packets of running connections are judged by the list in force: closing a port cuts them.
    ...(ports.length > 0 ? ['    tcp dport @ports ct state { new, established } accept'] : []),
    '    counter name refused drop',
    '  }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function openPorts({ ports, allow }: FirewallRules): string[] {
  if (ports.length > PORTS_MAX) throw bad(`${ports.length} ports, at most ${PORTS_MAX}`);
  for (const port of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad(`a port is ${String(port).slice(0, 20)}`);
  }
  return allowedPorts(ports, allow).map(String);
}

/** Checked, each once, in ascending order. */
function addresses(texts: readonly string[]): string[] {
  if (texts.length > PEERS_MAX) throw bad(`${texts.length} peers, at most ${PEERS_MAX}`);
  const bytes = texts.map((text) => {
    if (!ipaddr.IPv4.isValidFourPartDecimal(text)) throw bad(`"${text.slice(0, 40)}" is not an IPv4 address`);
    return Buffer.from(ipaddr.IPv4.parse(text).toByteArray());
  });
  return [...new Set(bytes.sort(Buffer.compare).map((four) => four.join('.')))];
}

function set(name: string, type: string, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`  set ${name} { type ${type}; elements = { ${elements.join(', ')} }; }`];
}

function bad(message: string): KokoaError {
  return new KokoaError('bad_firewall', `cannot write the packet filter: ${message}`, {
    hint: 'the filter was left as it is; correct the node files in git',
  });
}
