// What Prometheus may know of each node. No hostname is a label: a node's name and its state are.
import { Gauge, type Registry } from '@prometheus-io/client';

export interface NodeFacts {
  node: string;
  state: string;
  /** Suspended or revoked, by git or on this machine: nobody expects a word of it. */
  isKeptOut: boolean;
  /** Hosts that are left out or have no certificate. */
  quarantined: number;
  /** Absent: its agent does not say. */
  stateAgeSeconds?: number;
  /** 0: it has applied what is published for it. Absent: nothing is. */
  behindSeconds?: number;
  /** The newest root that it trusts; absent: its agent does not say. */
  rootVersion?: number;
  /** Unix time at which its first certificate ends; absent: it has none. */
  certificatesEndSeconds?: number;
  /** Those with less than a quarter of their life left, as far as a report names them. */
  certificatesEnding: number;
  certificatesExposed: number;
  unacknowledged: number;
  /** Of an origin: services that edges ask, and those of them that answer none. Absent: no edge asks. */
  backends?: number;
  backendsDown?: number;
}

/** `facts` is asked when somebody scrapes. */
export function createNodeMetrics(registry: Registry, facts: () => readonly NodeFacts[]): void {
  const gauge = (name: string, help: string, value: (facts: NodeFacts) => number | undefined) =>
    new Gauge({
      ...{ name, help, labelNames: ['node'], registers: [registry] },
      collect() {
        this.reset();
        for (const one of facts()) {
          const number = value(one);
          if (number !== undefined) this.set({ node: one.node }, number);
        }
      },
    });
  new Gauge({
    name: 'kokoa_node_state_age_seconds',
    help: 'Since when a node is in the state that it reports.',
    labelNames: ['node', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { node, state, stateAgeSeconds } of facts())
        if (stateAgeSeconds !== undefined) this.set({ node, state }, stateAgeSeconds);
    },
  });
  gauge(
    'kokoa_node_kept_out',
    '1 while a node is suspended, revoked or compromised, by git or by an operator.',
    ({ isKeptOut }) => Number(isKeptOut),
  );
  gauge(
    'kokoa_node_hosts_quarantined',
    'Hosts that a node leaves out, or has no certificate for.',
    (one) => one.quarantined,
  );
  gauge(
    'kokoa_node_behind_seconds',
    'Age of the newest bundle of a node that has not applied it; 0: it has.',
    (one) => one.behindSeconds,
  );
  gauge('kokoa_origin_backends', 'Services of an origin that edges ask.', (one) => one.backends);
  gauge(
    'kokoa_origin_backends_down',
    'Services of an origin that answer no edge that asks, or not as their route wants it.',
    (one) => one.backendsDown,
  );
  gauge('kokoa_node_root_version', 'The newest root of the keys that a node trusts.', (one) => one.rootVersion);
  gauge(
    'kokoa_node_certificates_end_timestamp_seconds',
    'When the first certificate that a node holds ends, in Unix time.',
    (one) => one.certificatesEndSeconds,
  );
  gauge(
    'kokoa_node_certificates_ending',
    'Certificates of a node that have less than a quarter of their life left.',
    (one) => one.certificatesEnding,
  );
  gauge(
    'kokoa_node_certificates_exposed',
    'Certificates of a node whose key an edge had that is compromised; they are ordered anew.',
    (one) => one.certificatesExposed,
  );
  gauge(
    'kokoa_node_recipients_unacknowledged',
    'Machines and escrow keys, new among the recipients of a pool’s keys, that nobody approved on a node.',
    (one) => one.unacknowledged,
  );
}
