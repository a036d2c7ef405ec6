// Where visitors are sent, as monitoring sees it: which edges are in DNS, and whether DNS is as git wants it. Labels are names of edges, pools
// and zones, of which an installation has few; never a hostname.
import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { ZoneStanding } from '../dns/zone-standing.ts';
import type { EdgeStanding } from '../fleet-health.ts';

export interface VisitorSources {
  edges(): readonly EdgeStanding[];
  zones(): readonly ZoneStanding[];
}

export interface VisitorMetrics {
  /** Names of a zone were written and read back. */
  wrote(zone: string, names: number): void;
}

const KINDS = ['foreign', 'open', 'refused', 'held'] as const;

/** `sources` is asked when somebody scrapes. */
export function createVisitorMetrics(registry: Registry, sources: () => VisitorSources | undefined): VisitorMetrics {
  const registers = [registry];
  const ofEdges = (name: string, help: string, value: (edge: EdgeStanding) => number | undefined) =>
    new Gauge({
      ...{ name, help, labelNames: ['node', 'pool'], registers },
      collect() {
        this.reset();
        for (const edge of sources()?.edges() ?? []) {
          const number = value(edge);
          if (number !== undefined) this.set({ node: edge.edge, pool: edge.pool }, number);
        }
      },
    });
  ofEdges('kokoa_edge_in_dns', '1 while visitors are sent to the edge.', ({ member }) =>
    member === undefined ? undefined : Number(member.inDns),
  );
  ofEdges(
    'kokoa_edge_up',
    '1 while an edge answers those who look at it, 0 while two of them say that it does not; absent: they do not agree.',
    ({ verdict: { state } }) => (state === 'unknown' ? undefined : state === 'up' ? 1 : 0),
  );
  ofEdges(
    'kokoa_edge_kept',
    '1 while an edge should leave DNS and stays, because too few would be left.',
    ({ member }) => (member === undefined ? undefined : Number(member.inDns && member.reason !== undefined)),
  );
  const ofZones = (name: string, help: string, value: (zone: ZoneStanding) => number | undefined) =>
    new Gauge({
      ...{ name, help, labelNames: ['zone'], registers },
      collect() {
        this.reset();
        for (const zone of sources()?.zones() ?? []) {
          const number = value(zone);
          if (number !== undefined) this.set({ zone: zone.zone }, number);
        }
      },
    });
  ofZones('kokoa_dns_trouble', '1 while the records of a zone cannot be read or written.', ({ trouble }) =>
    trouble ? 1 : 0,
  );
  ofZones('kokoa_dns_compared_timestamp_seconds', 'When the whole zone was compared last.', ({ lookedMs }) =>
    lookedMs === undefined ? undefined : lookedMs / 1000,
  );
  new Gauge({
    name: 'kokoa_dns_unsettled_names',
    help: 'Names that are not as git wants them: somebody else’s, not written yet, refused by the provider, or held back.',
    labelNames: ['zone', 'kind'],
    registers,
    collect() {
      this.reset();
      for (const { zone, unsettled } of sources()?.zones() ?? [])
        for (const kind of KINDS) this.set({ zone, kind }, unsettled.filter((one) => one.kind === kind).length);
    },
  });
  const wrote = new Counter({
    name: 'kokoa_dns_names_written_total',
    help: 'Names whose records were written and read back.',
    labelNames: ['zone'],
    registers,
  });
  return { wrote: (zone, names) => wrote.inc({ zone }, names) };
}
