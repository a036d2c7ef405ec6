// How a node stands, in numbers for Prometheus. Law: no hostname is a label, and what is not known is absent.
import type { NodeState } from '../../bundle/api.ts';

export interface Metric {
  name: string;
  help: string;
  values: { labels: Readonly<Record<string, string>>; value: number }[];
}

/** Times in ms since the epoch. */
export interface MetricFacts {
  agentVersion: string;
  node: string;
  agentRuns: boolean;
  /** Undefined: nobody noted it. */
  standing: { state: NodeState; since: string; leftOut: readonly unknown[] } | undefined;
  /** The last known good bundle and the newest that was accepted. */
  bundles: readonly { which: 'last_good' | 'accepted'; version: number }[];
  /** The newest root that is trusted. */
  rootVersion: number | undefined;
  /** End of the newest signed timestamp. */
  vouchedUntilMs: number | undefined;
  hosts: number;
  hostsWithoutCertificate: number;
  certificateEndsMs: readonly number[];
  /** Of the last known good bundle: those with less than a quarter of their life left. */
  certificatesEnding: number;
  /** Those whose key a compromised edge had. */
  certificatesExposed: number;
  /** Undefined: there is no fallback CA. */
  usesCaFallback: boolean | undefined;
  /** Recipients of the pool identity that nobody approved here. */
  unacknowledged: number | undefined;
  /** Other edges, as this one found them. */
  checks: readonly { node: string; up: boolean }[];
  /** Undefined: nobody asks. */
  backendsDown: number | undefined;
  /** Undefined: nobody looks. */
  backendsFailing: number | undefined;
  /** Age in seconds of the newest handshake; null: never. */
  tunnels: readonly { node: string; handshakeAgeSeconds: number | null }[];
}

const STATES: readonly NodeState[] = [
  'waiting',
  'converging',
  'applied',
  'degraded',
  'refused',
  'rolled_back',
  'stale',
];

/** Sorted as they are shown; those without a value are left out. */
export function nodeMetrics(facts: MetricFacts): Metric[] {
  const { standing, tunnels } = facts;
  const ends = facts.certificateEndsMs;
  const metrics: Metric[] = [
    one('kokoa_agent_running', '1 while an agent works on this state directory.', facts.agentRuns ? 1 : 0, {
      ...{ node: facts.node, version: facts.agentVersion },
    }),
    {
      name: 'kokoa_agent_state',
      help: '1 for the state in which the node is, or was when its agent ended.',
      values: standing ? STATES.map((state) => ({ labels: { state }, value: state === standing.state ? 1 : 0 })) : [],
    },
    one(
      'kokoa_agent_state_since_timestamp_seconds',
      'Since when, in Unix time.',
      standing && seconds(Date.parse(standing.since)),
    ),
    one(
      'kokoa_agent_parts_left_out',
      'Hosts and public ports that are not served, each for a mistake of its own.',
      standing?.leftOut.length,
    ),
    {
      name: 'kokoa_agent_bundle_version',
      help: 'Version of the last known good bundle, and of the newest that was accepted.',
      values: facts.bundles.map(({ which, version }) => ({ labels: { which }, value: version })),
    },
    one('kokoa_agent_root_version', 'The newest root of the control plane’s keys that is trusted.', facts.rootVersion),
    one(
      'kokoa_agent_vouched_until_timestamp_seconds',
      'Until when the control plane has vouched that there is nothing newer, in Unix time.',
      facts.vouchedUntilMs === undefined ? undefined : seconds(facts.vouchedUntilMs),
    ),
    one('kokoa_agent_hosts', 'Hostnames of the last known good bundle.', facts.hosts),
    one(
      'kokoa_agent_hosts_without_certificate',
      'Those without a certificate that is valid now.',
      facts.hostsWithoutCertificate,
    ),
    one(
      'kokoa_agent_certificates_end_timestamp_seconds',
      'When the first certificate that is held ends, in Unix time.',
      ends.length === 0 ? undefined : seconds(ends.reduce((a, b) => Math.min(a, b))),
    ),
    one(
      'kokoa_agent_certificates_ending',
      'Certificates in use that have less than a quarter of their life left.',
      facts.certificatesEnding,
    ),
    one(
      'kokoa_agent_certificates_exposed',
      'Certificates in use whose key an edge had that is compromised; they are ordered anew.',
      facts.certificatesExposed,
    ),
    one(
      'kokoa_agent_ca_fallback',
      '1 while orders go to the fallback certificate authority.',
      facts.usesCaFallback === undefined ? undefined : Number(facts.usesCaFallback),
    ),
    one(
      'kokoa_agent_recipients_unacknowledged',
      'Machines and escrow keys, new among the recipients of the pool’s keys, that nobody approved on this edge.',
      facts.unacknowledged,
    ),
    {
      name: 'kokoa_agent_peer_up',
      help: '1 for another edge that this one finds serving, 0 for one that it does not.',
      values: facts.checks.map(({ node, up }) => ({ labels: { node }, value: Number(up) })),
    },
    one(
      'kokoa_agent_backends_down',
      'Backends that do not answer this edge through the tunnel, or not as their route wants it.',
      facts.backendsDown,
    ),
    one(
      'kokoa_agent_backends_failing',
      'Backends that failed a visitor’s request within the last minute, whatever their check says.',
      facts.backendsFailing,
    ),
    {
      name: 'kokoa_agent_tunnel_handshake_age_seconds',
      help: 'Age of the newest handshake with a peer.',
      values: tunnels.flatMap(({ node, handshakeAgeSeconds: age }) =>
        age === null ? [] : [{ labels: { peer: node }, value: age }],
      ),
    },
  ];
  return metrics.filter(({ values }) => values.length > 0);
}

function one(name: string, help: string, value: number | undefined, labels: Record<string, string> = {}): Metric {
  return { name, help, values: value === undefined ? [] : [{ labels, value }] };
}

function seconds(ms: number): number {
  return ms / 1000;
}
