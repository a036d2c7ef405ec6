// What `kokoa-agent status -o metrics` says: the reading that the other outputs show, in numbers.
import { exposedTo } from './core/exposure.ts';
import { type Metric, type MetricFacts, nodeMetrics } from './core/node-metrics.ts';
import { isEnding } from './core/renewal.ts';
import { tunnelAges } from './core/status-report.ts';
import type { Reading } from './describe.ts';
import { hostsWithout } from './describe-certificates.ts';

export function measureNode(reading: Reading): Metric[] {
  const { node, agentRuns, agentVersion, standing, lkg, accepted, certificates, nowMs } = reading;
  const routes = lkg?.chunks.flatMap((chunk) => chunk.routes) ?? [];
  const wanted = new Set(routes.map(({ hostname, certificate = hostname }) => certificate));
  const used = certificates.filter(({ hostname }) => wanted.has(hostname));
  const good = new Set(certificates.filter(({ notAfter }) => notAfter > nowMs).map(({ hostname }) => hostname));
  const compromised = lkg?.config.role === 'edge' ? lkg.config.edge.compromised : undefined;
  return nodeMetrics({
    ...{ node, agentRuns, agentVersion, standing },
    bundles: [
      ...(lkg ? [{ which: 'last_good' as const, version: lkg.version }] : []),
      ...(accepted ? [{ which: 'accepted' as const, version: accepted.version }] : []),
    ],
    rootVersion: reading.rootVersion || undefined,
    vouchedUntilMs: (accepted ?? lkg)?.timestampExpiresMs,
    hosts: routes.length,
    hostsWithoutCertificate: hostsWithout(routes, good).length,
    certificateEndsMs: used.map(({ notAfter }) => notAfter),
    certificatesEnding: used.filter((one) => isEnding(one, nowMs)).length,
    certificatesExposed: used.filter((one) => exposedTo(one, compromised).length > 0).length,
    usesCaFallback:
      lkg?.config.role === 'edge' && lkg.config.edge.acme.fallback
        ? reading.caFallbackSinceMs !== undefined
        : undefined,
    unacknowledged: lkg?.config.role === 'edge' ? reading.strangers?.length : undefined,
    // What a dead agent saw may be over.
    checks: agentRuns ? (standing?.checks ?? []) : [],
    ...backendsOf(reading),
    tunnels: reading.usesTunnel ? tunnelAges(lkg?.config.wireguard.peers ?? [], reading.tunnel, nowMs) : [],
  });
}

function backendsOf({ agentRuns, lkg, standing }: Reading): Pick<MetricFacts, 'backendsDown' | 'backendsFailing'> {
  if (!agentRuns || lkg?.config.role !== 'edge') return { backendsDown: undefined, backendsFailing: undefined };
  return { backendsDown: standing?.backendsDown?.count ?? 0, backendsFailing: standing?.backendsFailing?.count ?? 0 };
}
