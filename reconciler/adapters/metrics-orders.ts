// Orders of certificates as monitoring sees them: how they end, what is left of the week, who is silent.
import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { MetricSources, Metrics } from './metrics.ts';

/** Registered domains with the least left. */
const DOMAINS_SHOWN_MAX = 50;

/** All are there from the start, at 0: of a counter that begins with 1 nobody sees the first one. */
const EVENTS = ['begun', 'refused', 'issued', 'validation_failed', 'rate_limited', 'failed'] as const;

type OrderSources = Pick<MetricSources, 'silentEdges' | 'newNamesLeft'>;

export function createOrderMetrics(
  registry: Registry,
  sources: () => OrderSources | undefined,
): Pick<Metrics, 'order'> {
  const registers = [registry];
  const orders = new Counter({
    name: 'kokoa_certificate_orders_total',
    help: 'Orders of certificates: begun, refused by the budget, and how they ended.',
    labelNames: ['event'],
    registers,
  });
  for (const event of EVENTS) orders.inc({ event }, 0);
  new Gauge({
    name: 'kokoa_silent_edges',
    help: 'Edges that have been silent for so long that others order their certificates.',
    registers,
    collect() {
      this.set(sources()?.silentEdges() ?? 0);
    },
  });
  new Gauge({
    name: 'kokoa_new_names_left',
    help: 'Names of a registered domain that may still get their first certificate this week.',
    labelNames: ['domain'],
    registers,
    async collect() {
      const left = [...((await sources()?.newNamesLeft()) ?? [])].sort(([, a], [, b]) => a - b);
      this.reset();
      for (const [domain, count] of left.slice(0, DOMAINS_SHOWN_MAX)) this.set({ domain }, count);
    },
  });
  return { order: (event) => orders.inc({ event }) };
}
