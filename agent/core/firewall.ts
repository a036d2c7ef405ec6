// The packet filter on the tunnel as one text for nft. Law: from the tunnel nothing gets in but answers, and on an origin what a
// route declares and the owner allows. It decides in prerouting, before Docker's DNAT could turn a packet to a container.
import ipaddr from 'ipaddr.js';
import type { Forward, NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { SCRIPTS_PORT } from '../../bundle/script-check.ts';
import { type AllowedRange, allowedForwards, allowedPorts } from './allow-list.ts';
import { isForwardHost } from './forward-host.ts';
import { entrancesOf, type ForwardRules, forwardChains, forwardSets } from './forward-rules.ts';

/** After connection tracking (-200), before destination NAT (-100), where Docker publishes ports. nft(8), priorities. */
const PRIORITY = -150;
const PEERS_MAX = 4096;
/** Of the machine's own by TCP, of those by UDP, and of forwards: each. */
export const PORTS_MAX = 4096;

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
  /** The same for UDP. */
  udpPorts: readonly number[];
  /** Services elsewhere that routes declare; ignored on an edge. Of each protocol their ports are not declared, and each another. */
  forwards: readonly Forward[];
  /** What the owner allows; ignored on an edge. */
  allow: readonly AllowedRange[];
  /** Whether edges may ping this machine, and ask what scripts of its owner say; ignored on an edge. */
  asked: { icmp: boolean; scripts: boolean };
  /** Interfaces that forward only because the agent made them: nothing but forwards passes there. */
  guarded: readonly string[];
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
  const ports = openPorts(rules, rules.ports);
  const udpPorts = openPorts(rules, rules.udpPorts, 'udp');
  const [own] = addresses([rules.address]);
  const forwards: ForwardRules = {
    interfaceName: rules.interfaceName,
    address: own!,
    forwards: openForwards(rules),
    guarded: interfaces(rules.guarded),
  };
  const lines = [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  counter refused { }',
    '  counter spoofed { }',
    ...set('peers', 'ipv4_addr', peers),
    ...set('ports', 'inet_service', ports),
    ...set('udp_ports', 'inet_service', udpPorts),
    ...forwardSets(forwards),
    '  chain tunnel {',
    `    type filter hook prerouting priority ${PRIORITY}; policy accept;`,
    `    iifname != "${rules.interfaceName}" accept`,
    // One address for all that follows: neither IPv6 nor a machine behind this one is reached through the tunnel, nor its loopback.
    ...(peers.length > 0 ? [`    ip saddr @peers ip daddr ${own} goto peer`] : []),
    '    counter name spoofed drop',
    '  }',
    '  chain peer {',
    '    ct state established ct direction reply accept',
    '    ip protocol icmp ct state related accept',
    // Also packets of running connections are judged by the list in force: closing a port cuts them.
    ...(ports.length > 0 ? ['    tcp dport @ports ct state { new, established } accept'] : []),
    ...(udpPorts.length > 0 ? ['    udp dport @udp_ports ct state { new, established } accept'] : []),
    ...askedRules(rules),
    ...entrancesOf(forwards).map((entrance) => `    ${entrance} ct state { new, established } accept`),
    '    counter name refused drop',
    '  }',
    ...forwardChains(forwards),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** Few packets each: who asks waits for an answer. */
function askedRules({ role, asked }: FirewallRules): string[] {
  if (role === 'edge') return [];
  return [
    ...(asked.icmp ? ['    icmp type echo-request limit rate 1000/second accept'] : []),
    ...(asked.scripts ? [`    tcp dport ${SCRIPTS_PORT} ct state { new, established } accept`] : []),
  ];
}

function openPorts({ role, allow }: FirewallRules, ports: readonly number[], protocol?: 'udp'): string[] {
  if (role === 'edge') return [];
  if (ports.length > PORTS_MAX) throw bad(`${ports.length} ports, at most ${PORTS_MAX}`);
  ports.forEach(checkPort);
  return allowedPorts(ports, allow, protocol).map(String);
}

function openForwards({ role, ports, udpPorts, forwards, allow }: FirewallRules): Forward[] {
  if (role === 'edge') return [];
  if (forwards.length > PORTS_MAX) throw bad(`${forwards.length} forwards, at most ${PORTS_MAX}`);
  const taken = { tcp: new Set(ports), udp: new Set(udpPorts) };
  for (const { protocol = 'tcp', port, host, hostPort } of forwards) {
    if (!Object.hasOwn(taken, protocol)) throw bad(`a forward is of "${String(protocol).slice(0, 20)}"`);
    checkPort(port);
    checkPort(hostPort);
    if (!isForwardHost(host)) throw bad(`a forward leads to "${String(host).slice(0, 40)}"`);
    if (taken[protocol].has(port)) throw bad(`the ${protocol} port ${port} of a forward is taken`);
    taken[protocol].add(port);
  }
  return allowedForwards(forwards, allow);
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad(`a port is ${String(port).slice(0, 20)}`);
}

/** Checked, each once, in ascending order. Names of Linux allow more characters than a ruleset should see. */
function interfaces(names: readonly string[]): string[] {
  for (const name of names) {
    if (!isInterfaceName(name)) throw bad(`"${name.slice(0, 20)}" is no interface name`);
  }
  return [...new Set(names)].sort();
}

/** True for names that a ruleset and a path may hold: no quote, no slash, no wildcard, none that is only dots. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,14}$/.test(name);
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
