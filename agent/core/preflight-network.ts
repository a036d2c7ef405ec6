// The machine's network: taken ports, another nginx, other tunnels, networks that overlap, UDP that does not get through. Judged, not
// observed.
import { type OwnNetwork, overlapsOf, overlapText } from './networks-overlap.ts';
import type { Asked, Finding } from './preflight.ts';
import { severityForEdge } from './preflight-machine.ts';

export interface Listener {
  protocol: 'tcp' | 'udp';
  /** Bare; `0.0.0.0` and `::` are all. */
  address: string;
  port: number;
  /** `nginx (pid 812)`; undefined when it cannot be seen. */
  owner: string | undefined;
}

export interface NetworkFacts {
  /** Others' only. */
  listeners: readonly Listener[];
  /** Of those to listen on, the ones that this machine does not have. */
  missingAddresses: readonly string[];
  /** What systemd says of Debian's nginx: `enabled`, `active`; undefined when it knows none. */
  nginxService: { enabled: string; active: string } | undefined;
  networks: readonly OwnNetwork[];
  /** Who has the name of the tunnel. */
  link: 'nobody' | 'this agent' | 'another WireGuard' | 'something else';
  /** UDP ports of other WireGuard interfaces. */
  otherTunnels: readonly { interfaceName: string; port: number }[];
  /** Of a node that runs. */
  dialled: readonly DialledFact[];
}

/** An edge that this machine dials. */
export interface DialledFact {
  node: string;
  endpoint: string;
  handshake: 'fresh' | 'stale' | 'never';
  answersByTcp: boolean;
}

export function judgeNetwork(asked: Asked, facts: NetworkFacts): Finding[] {
  return [
    ...addresses(asked, facts),
    ...webPorts(asked, facts),
    ...tunnelPort(asked, facts),
    ...tunnelName(asked, facts),
    ...overlap(asked, facts),
    ...udp(facts),
  ];
}

function addresses(asked: Asked, { missingAddresses }: NetworkFacts): Finding[] {
  if (asked.role === 'origin') return [];
  return missingAddresses.map((address) => ({
    ...{ severity: severityForEdge(asked), what: `the address ${address}`, found: 'this machine does not have it' },
    todo: 'join with --listen and an address that `ip addr` shows',
  }));
}

/** One finding per port, and one for an nginx that comes back with the next boot. */
function webPorts(asked: Asked, { listeners, nginxService }: NetworkFacts): Finding[] {
  if (asked.role === 'origin') return [];
  const severity = severityForEdge(asked);
  const { addresses, httpPort, httpsPort } = asked.listen;
  const wanted = (address: string) => addresses.some((mine) => meets(address, mine));
  const taken = [httpPort, httpsPort].flatMap((port) => {
    const found = listeners.find((one) => one.protocol === 'tcp' && one.port === port && wanted(one.address));
    return found ? [found] : [];
  });
  const service =
    nginxService !== undefined && (nginxService.enabled === 'enabled' || nginxService.active === 'active');
  const stop = 'systemctl disable --now nginx (the agent runs its own; /etc/nginx is not touched)';
  return [
    ...taken.map(({ port, owner }) => ({
      ...{ severity, what: `TCP port ${port}` },
      found: `${owner ?? 'another program'} listens there; an edge needs it`,
      todo:
        owner?.startsWith('nginx') && service ? stop : `end it (ss -ltnp sport = :${port}), or join with other ports`,
    })),
    ...(service && taken.length === 0
      ? [
          {
            severity: 'warning' as const,
            what: 'Debian’s nginx service',
            found: `it is ${nginxService.enabled} and would take the ports`,
            todo: stop,
          },
        ]
      : []),
  ];
}

function tunnelPort(
  { interfaceName, wireguardPort: port }: Asked,
  { listeners, otherTunnels }: NetworkFacts,
): Finding[] {
  if (interfaceName === undefined || port === undefined) return [];
  const todo = 'end it, or set another wireguard.port in the node’s file in git';
  const tunnel = otherTunnels.find((other) => other.port === port);
  const listener = listeners.find((one) => one.protocol === 'udp' && one.port === port);
  const owner = tunnel ? `the tunnel ${tunnel.interfaceName}` : listener && (listener.owner ?? 'another program');
  return owner ? [{ severity: 'error', what: `UDP port ${port}`, found: `${owner} has it`, todo }] : [];
}

function tunnelName({ interfaceName }: Asked, { link }: NetworkFacts): Finding[] {
  if (interfaceName === undefined || link === 'nobody' || link === 'this agent') return [];
  const found =
    link === 'something else'
      ? 'an interface of that name exists and is no WireGuard'
      : 'another WireGuard tunnel has that name';
  return [
    { severity: 'error', what: `the interface ${interfaceName}`, found, todo: 'choose another name by --interface' },
  ];
}

function overlap({ interfaceName, network, agreed }: Asked, { networks }: NetworkFacts): Finding[] {
  if (interfaceName === undefined || network === undefined) return [];
  const overlaps = overlapsOf(network, networks);
  if (overlaps.length === 0) return [];
  return [
    {
      severity: agreed ? 'warning' : 'error',
      what: 'the network of the tunnels',
      found: `${network} lies over what this machine reaches otherwise: ${overlapText(overlaps)}`,
      todo: 'change network.wireguard in kokoa.yaml, or this machine’s network; if it is meant, join with --force',
    },
  ];
}

function udp({ dialled }: NetworkFacts): Finding[] {
  return dialled
    .filter(({ handshake }) => handshake !== 'fresh')
    .map(({ node, endpoint, handshake, answersByTcp }): Finding => {
      const silence = handshake === 'never' ? 'no handshake yet' : 'no handshake for minutes';
      const port = endpoint.slice(endpoint.lastIndexOf(':') + 1);
      if (!answersByTcp)
        return {
          ...{ severity: 'warning', what: `the tunnel to ${node}` },
          found: `${silence}, and its machine does not answer by TCP either (${endpoint})`,
          todo: 'see whether that edge runs, and whether this machine reaches the internet',
        };
      return {
        ...{ severity: 'error', what: `the tunnel to ${node}` },
        found: `${silence}, although its machine answers by TCP: UDP does not get through (${endpoint})`,
        todo: `let UDP ${port} out here (router, firewall, provider) and in at the edge; there is no other way`,
      };
    });
}

/** Whether a listener at `theirs` keeps another one from `mine`. */
function meets(theirs: string, mine: string): boolean {
  const everywhere = ['0.0.0.0', '::'];
  if (theirs === mine || theirs === '::') return true;
  const sameFamily = theirs.includes(':') === mine.includes(':');
  return sameFamily && (everywhere.includes(theirs) || everywhere.includes(mine));
}
