// The part of the packet filter that leads connections on, to a service behind this machine or on its loopback. Law: what a forward
// names is reached and nothing beside it, and a machine that became a router for its forwards routes nothing else.
import type { Forward } from '../../bundle/config.ts';
import { LOOPBACK_HOST } from './forward-host.ts';

/** Destination NAT: after the tunnel's own filter (-150) and before Docker's (-100). The first to decide wins. */
const LEAD = -110;
/** After everybody's destination NAT, before a packet is routed. */
const ARRIVED = -90;
/** Before and after the filters of others, Docker's among them (0). */
const ROUTED = -300;
const PASSED = 300;
/** Source NAT: before Docker's (100). */
const LEAVE = 90;

/** All values are checked. */
export interface ForwardRules {
  /** The tunnel interface. */
  interfaceName: string;
  /** The node's own bare IPv4 in the tunnel. */
  address: string;
  /** Declared and allowed, ascending by `port`. */
  forwards: readonly Forward[];
  /** Interfaces that forward only because the agent made them, ascending. */
  guarded: readonly string[];
}

/** A connection's first port, and where it was led: the one condition that all chains below share. */
const TARGET = 'meta l4proto tcp ct original proto-dst . ip daddr . tcp dport @targets';

/** Counters, sets and the map that the chains use. */
export function forwardSets(rules: ForwardRules): string[] {
  const { forwards, guarded } = rules;
  const targets = forwards.map(({ port, host, hostPort }) => `${port} . ${host} . ${hostPort}`);
  const map = forwards.map(({ port, host, hostPort }) => `${port} : ${host} . ${hostPort}`);
  const entrances = forwards.map(({ port }) => `${port}`);
  return [
    ...block('set', 'entrances', 'inet_service', entrances),
    ...block('map', 'forwards', 'inet_service : ipv4_addr . inet_service', map),
    ...block('set', 'targets', 'inet_service . ipv4_addr . inet_service', targets),
    ...(leavesMachine(rules) ? ['  counter led { }', '  counter passed { }'] : []),
    ...(guards(rules)
      ? block(
          'set',
          'guarded',
          'ifname',
          guarded.map((name) => `"${name}"`),
        )
      : []),
  ];
}

/** The chains; none without forwards. What the tunnel's own filter dropped comes to none of them. */
export function forwardChains(rules: ForwardRules): string[] {
  if (rules.forwards.length === 0) return [];
  const { interfaceName } = rules;
  return [
    '  chain lead {',
    `    type nat hook prerouting priority ${LEAD}; policy accept;`,
    `    iifname "${interfaceName}" dnat ip to tcp dport map @forwards`,
    '  }',
    // Once led, a connection keeps its target; the list in force decides about every packet. And whatever other NAT there is on
    // this machine: the port of a forward is never the machine's own port of that number.
    '  chain arrived {',
    `    type filter hook prerouting priority ${ARRIVED}; policy accept;`,
    `    iifname != "${interfaceName}" accept`,
    `    ${TARGET} accept`,
    '    meta l4proto tcp ct direction original ct original proto-dst @entrances counter name refused drop',
    '  }',
    ...(guards(rules) ? guardChain(rules) : []),
    ...(leavesMachine(rules) ? leavingChains(rules) : []),
  ];
}

/** IPv6 is not forwarded by the agent, so it is not the agent's to judge. */
function guardChain({ address }: ForwardRules): string[] {
  const ours = `ct original ip daddr ${address}`;
  return [
    '  chain kept {',
    `    ${ours} meta l4proto tcp ct original proto-dst . ct reply ip saddr . ct reply proto-src @targets accept`,
    // "Packet too big" and the like, from a router behind this machine.
    `    ${ours} ip protocol icmp ct state related accept`,
    '    counter name refused drop',
    '  }',
  ];
}

function leavingChains(rules: ForwardRules): string[] {
  const fromTunnel = `iifname "${rules.interfaceName}"`;
  return [
    '  chain routed {',
    `    type filter hook forward priority ${ROUTED}; policy accept;`,
    `    ${fromTunnel} ct state new ${TARGET} counter name led`,
    ...(guards(rules) ? ['    iifname @guarded meta nfproto ipv4 goto kept'] : []),
    '  }',
    // What was led and did not come here was dropped by another filter of this machine.
    '  chain passed {',
    `    type filter hook forward priority ${PASSED}; policy accept;`,
    `    ${fromTunnel} ct state new ${TARGET} counter name passed`,
    '  }',
    // The host behind answers to this machine, and needs no route to the tunnels.
    '  chain leave {',
    `    type nat hook postrouting priority ${LEAVE}; policy accept;`,
    `    ${fromTunnel} ${TARGET} masquerade`,
    '  }',
  ];
}

function leavesMachine({ forwards }: ForwardRules): boolean {
  return forwards.some(({ host }) => host !== LOOPBACK_HOST);
}

/** Without a forward that leaves the machine the agent makes no interface forward. */
function guards(rules: ForwardRules): boolean {
  return rules.guarded.length > 0 && leavesMachine(rules);
}

function block(kind: 'set' | 'map', name: string, type: string, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`  ${kind} ${name} { type ${type}; elements = { ${elements.join(', ')} }; }`];
}
