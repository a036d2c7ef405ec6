// What a doctor looks at on an edge alone: web server, certificates, where its names lead, and what may keep visitors out.
import { type Finding, ok } from '../checks/finding.ts';
import { runCheck } from '../checks/run-check.ts';
import type { Probe } from '../checks/run-probes.ts';
import { packetFilters } from './adapters/doctor-machine.ts';
import { resolveNames } from './adapters/doctor-names.ts';
import { localAddresses } from './adapters/local-address.ts';
import { judgeFilters } from './core/doctor-filters.ts';
import { judgeNames, namesToAsk } from './core/doctor-names.ts';
import { judgeCertificates } from './core/doctor-node.ts';
import { isEnding } from './core/renewal.ts';
import { hostsWithout } from './describe-certificates.ts';
import { routesOf } from './doctor-routes.ts';
import type { Node } from './node.ts';
import type { VerifiedBundle } from './ports/state.ts';

const KNOCK_MS = 2_000;

export function edgeProbes(node: Node, bundle: VerifiedBundle | undefined): Probe[] {
  const { settings, machine, certificateStore } = node;
  const [routes, config] = [routesOf(bundle), bundle?.config];
  const { httpPort, httpsPort } = settings.listen;
  const edge = config?.role === 'edge' ? config.edge : undefined;
  const own = async () => settings.address ?? localAddresses({ controlPlane: [] });
  return [
    {
      what: 'the web server',
      async look() {
        const serving = await machine.edge?.web.serving();
        return [serving ? ok('the web server', 'it answers') : WEB_SILENT];
      },
    },
    {
      what: 'certificates',
      async look() {
        const { held } = await certificateStore.list();
        const now = Date.now();
        const good = new Set(held.filter(({ notAfter }) => notAfter > now).map(({ hostname }) => hostname));
        const used = new Set(routes.map(({ hostname, certificate = hostname }) => certificate));
        const ending = held.filter((one) => used.has(one.hostname) && (one.notAfter <= now || isEnding(one, now)));
        return judgeCertificates({ hosts: routes.length, without: hostsWithout(routes, good), ending });
      },
    },
    {
      what: 'DNS of hostnames',
      async look(signal) {
        const { ipv4, ipv6 } = await own();
        const checks = edge?.checks ?? [];
        const pool = [
          ...[ipv4, ipv6].flatMap((address) => address ?? []),
          ...checks.flatMap(({ addresses }) => addresses),
        ];
        // Behind NAT an edge does not know its own, which git may say.
        const isUnknown = ipv4 === undefined && ipv6 === undefined;
        const unknownEdges = Math.max(0, (edge?.members.length ?? 1) - 1 - checks.length) + Number(isUnknown);
        const names = await resolveNames(namesToAsk(routes.map(({ hostname }) => hostname)), signal);
        return judgeNames({ names, pool, unknownEdges });
      },
    },
    {
      what: 'the IPv6 address',
      async look(signal) {
        const { ipv6 } = await own();
        if (ipv6 === undefined) return [];
        const result = await runCheck({ kind: 'tcp', address: ipv6, port: httpsPort }, KNOCK_MS, signal);
        if (result.ok) return [ok('the IPv6 address', `${ipv6} answers on port ${httpsPort}, asked from here`)];
        return [{ ...IPV6_SILENT, found: `${ipv6} is announced, and port ${httpsPort} there: ${result.reason}` }];
      },
    },
    {
      what: 'packet filters',
      async look() {
        const tunnel = config?.wireguard.port;
        return judgeFilters(await packetFilters(), [
          ...[
            { protocol: 'tcp' as const, port: httpPort },
            { protocol: 'tcp' as const, port: httpsPort },
          ],
          ...(tunnel === undefined || settings.interfaceName === undefined
            ? []
            : [{ protocol: 'udp' as const, port: tunnel }]),
        ]);
      },
    },
  ];
}

const WEB_SILENT: Finding = {
  ...{ level: 'trouble', what: 'the web server', found: 'it does not answer', expected: 'nginx of this agent' },
  todo: 'kokoa-agent status; start the agent, and read its log',
};
const IPV6_SILENT: Omit<Finding, 'found'> = {
  ...{ level: 'trouble', what: 'the IPv6 address', expected: 'the web server of this edge' },
  todo: 'join with --listen :: beside 0.0.0.0, or announce no IPv6 address; visitors with IPv6 are lost until then',
};
