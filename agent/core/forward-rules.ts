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

/** Each protocol has its own sets: what is opened for one says nothing about the other. */
const PROTOCOLS = [
  { protocol: 'tcp', entrances: 'entrances', forwards: 'forwards', targets: 'targets' },
  { protocol: 'udp', entrances: 'udp_entrances', forwards: 'udp_forwards', targets: 'udp_targets' },
] as const;

type Protocol = (typeof PROTOCOLS)[number];

/** A connection's first port, and where it was led: the one condition that all chains below share. */
function target({ protocol, targets }: Protocol): string {
  return `meta l4proto ${protocol} ct original proto-dst . ip daddr . ${protocol} dport @${targets}`;
}

/** Counters, sets and the maps that the chains use. */
export function forwardSets(rules: ForwardRules): string[] {
  const guarded = guards(rules) ? rules.guarded.map((name) => `"${name}"`) : [];
  return [
    ...PROTOCOLS.flatMap((protocol) => setsOf(protocol, forwardsOf(rules, protocol))),
    ...(leavesMachine(rules) ? ['  counter led { }', '  counter passed { }'] : []),
    ...block('set', 'guarded', 'ifname', guarded),
  ];
}

function setsOf(names: Protocol, forwards: readonly Forward[]): string[] {
  const entrances = forwards.map(({ port }) => `${port}`);
  const map = forwards.map(({ port, host, hostPort }) => `${port} : ${host} . ${hostPort}`);
  const targets = forwards.map(({ port, host, hostPort }) => `${port} . ${host} . ${hostPort}`);
  return [
    ...block('set', names.entrances, 'inet_service', entrances),
    ...block('map', names.forwards, 'inet_service : ipv4_addr . inet_service', map),
    ...block('set', names.targets, 'inet_service . ipv4_addr . inet_service', targets),
  ];
}

/** The conditions under which a packet comes to the port of a forward; one for each protocol that has any. */
export function entrancesOf(rules: ForwardRules): string[] {
  return protocolsOf(rules).map(({ protocol, entrances }) => `${protocol} dport @${entrances}`);
}

/** The chains; none without forwards. What the tunnel's own filter dropped comes to none of them. */
export function forwardChains(rules: ForwardRules): string[] {
  if (rules.forwards.length === 0) return [];
  const { interfaceName } = rules;
  const protocols = protocolsOf(rules);
  return [
    '  chain lead {',
    `    type nat hook prerouting priority ${LEAD}; policy accept;`,
    ...protocols.map(
      ({ protocol, forwards }) => `    iifname "${interfaceName}" dnat ip to ${protocol} dport map @${forwards}`,
    ),
    '  }',
    // Once led, a connection keeps its target; the list in force decides about every packet. And whatever other NAT there is on
    // this machine: the port of a forward is never the machine's own port of that number.
    '  chain arrived {',
    `    type filter hook prerouting priority ${ARRIVED}; policy accept;`,
    `    iifname != "${interfaceName}" accept`,
    ...protocols.flatMap((one) => [
      `    ${target(one)} accept`,
      `    meta l4proto ${one.protocol} ct direction original ct original proto-dst @${one.entrances} counter name refused drop`,
    ]),
    '  }',
    ...(guards(rules) ? guardChain(rules) : []),
    ...(leavesMachine(rules) ? leavingChains(rules) : []),
  ];
}

/** IPv6 is not forwarded by the agent, so it is not the agent's to judge. */
function guardChain(rules: ForwardRules): string[] {
  const ours = `ct original ip daddr ${rules.address}`;
  return [
    '  chain kept {',
    ...protocolsOf(rules).map(
      ({ protocol, targets }) =>
        `    ${ours} meta l4proto ${protocol} ct original proto-dst . ct reply ip saddr . ct reply proto-src @${targets} accept`,
    ),
    // "Packet too big" and the like, from a router behind this machine.
    `    ${ours} ip protocol icmp ct state related accept`,
    '    counter name refused drop',
    '  }',
  ];
}

function leavingChains(rules: ForwardRules): string[] {
  const fromTunnel = `iifname "${rules.interfaceName}"`;
  const led = protocolsOf(rules).map(target);
  return [
    '  chain routed {',
    `    type filter hook forward priority ${ROUTED}; policy accept;`,
    ...led.map((condition) => `    ${fromTunnel} ct state new ${condition} counter name led`),
    ...(guards(rules) ? ['    iifname @guarded meta nfproto ipv4 goto kept'] : []),
    '  }',
    // What was led and did not come here was dropped by another filter of this machine.
    '  chain passed {',
    `    type filter hook forward priority ${PASSED}; policy accept;`,
    ...led.map((condition) => `    ${fromTunnel} ct state new ${condition} counter name passed`),
    '  }',
    // The host behind answers to this machine, and needs no route to the tunnels.
    '  chain leave {',
    `    type nat hook postrouting priority ${LEAVE}; policy accept;`,
    ...led.map((condition) => `    ${fromTunnel} ${condition} masquerade`),
    '  }',
  ];
}

function forwardsOf({ forwards }: ForwardRules, { protocol }: Protocol): Forward[] {
  return forwards.filter((forward) => (forward.protocol ?? 'tcp') === protocol);
}

/** Those that have forwards. */
function protocolsOf(rules: ForwardRules): Protocol[] {
  return PROTOCOLS.filter((protocol) => forwardsOf(rules, protocol).length > 0);
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
