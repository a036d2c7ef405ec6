// What a doctor looks at on an origin alone: what its owner keeps closed, services that nobody reaches, and the size of packets on the way.
import type { NodeConfig } from '../bundle/config.ts';
import type { Finding } from '../checks/finding.ts';
import { runCheck } from '../checks/run-check.ts';
import type { Probe } from '../checks/run-probes.ts';
import { pathTo } from './adapters/doctor-path.ts';
import { listenersOn } from './adapters/preflight-sockets.ts';
import { allowedForwards, parseAllowList } from './core/allow-list.ts';
import { judgeOrigin } from './core/doctor-origin.ts';
import type { Node } from './node.ts';

const FORWARDS_MAX = 20;
const KNOCK_MS = 2_000;
const PATHS_MAX = 4;

export function originProbes(node: Node, config: NodeConfig & { role: 'origin' }): Probe[] {
  const { origin, wireguard } = config;
  const { allow } = node.settings;
  return [
    {
      what: 'services',
      async look(signal) {
        const forwards = allowedForwards(origin.forwards ?? [], parseAllowList(allow)).filter(
          ({ protocol }) => protocol === undefined,
        );
        const tried = await Promise.all(
          forwards.slice(0, FORWARDS_MAX).map(async ({ host, hostPort }) => {
            const result = await runCheck({ kind: 'tcp', address: host, port: hostPort }, KNOCK_MS, signal);
            return result.ok ? [] : [`${host}:${hostPort}`];
          }),
        );
        const listeners = await listenersOn([...origin.ports, ...(origin.udpPorts ?? [])]);
        return judgeOrigin({ origin, allow, listeners, address: wireguard.address, silentForwards: tried.flat() });
      },
    },
    {
      what: 'the path to edges',
      async look(signal) {
        const dialled = wireguard.peers.flatMap(({ node: name, endpoint }) =>
          endpoint === undefined ? [] : [{ name, endpoint }],
        );
        const seen = await Promise.all(
          dialled
            .slice(0, PATHS_MAX)
            .map(async ({ name, endpoint }) => ({ name, path: await pathTo(hostOfEndpoint(endpoint), signal) })),
        );
        return seen.flatMap(({ name, path }): Finding[] =>
          path === 'too small' ? [{ ...SMALL_PATH, what: `the path to ${name}` }] : [],
        );
      },
    },
  ];
}

const SMALL_PATH: Omit<Finding, 'what'> = {
  ...{ level: 'warning', found: 'a small packet gets there, and one as large as the tunnel’s does not' },
  expected: 'packets of 1480 bytes in one piece',
  todo: 'set the right MTU on the way (PPPoE has 1492, some tunnels less), and let ICMP “fragmentation needed” through',
};

function hostOfEndpoint(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}
