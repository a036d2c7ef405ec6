// What `kokoa-agent status -o metrics` says: the reading that the other outputs show, in numbers.
import { type Metric, nodeMetrics } from './core/node-metrics.ts';
import { tunnelAges } from './core/status-report.ts';
import type { Reading } from './describe.ts';

export function measureNode(reading: Reading): Metric[] {
  const { node, agentRuns, agentVersion, standing, lkg, accepted, certificates, nowMs } = reading;
  const hosts = lkg?.chunks.flatMap(({ routes }) => routes.map(({ hostname }) => hostname)) ?? [];
  const good = new Set(certificates.filter(({ notAfter }) => notAfter > nowMs).map(({ hostname }) => hostname));
  return nodeMetrics({
    ...{ node, agentRuns, agentVersion, standing },
    bundles: [
      ...(lkg ? [{ which: 'last_good' as const, version: lkg.version }] : []),
      ...(accepted ? [{ which: 'accepted' as const, version: accepted.version }] : []),
    ],
    rootVersion: reading.rootVersion || undefined,
    vouchedUntilMs: (accepted ?? lkg)?.timestampExpiresMs,
    hosts: hosts.length,
    hostsWithoutCertificate: hosts.filter((hostname) => !good.has(hostname)).length,
    certificateEndsMs: certificates.map(({ notAfter }) => notAfter),
    tunnels: reading.usesTunnel ? tunnelAges(lkg?.config.wireguard.peers ?? [], reading.tunnel, nowMs) : [],
  });
}
