// Numbers as Prometheus text, for node_exporter's textfile collector. The library escapes.
import { Gauge, Registry } from '@prometheus-io/client';
import type { Metric } from '../core/node-metrics.ts';

export async function metricsText(metrics: readonly Metric[]): Promise<string> {
  const registry = new Registry();
  for (const { name, help, values } of metrics) {
    const labelNames = Object.keys(values[0]?.labels ?? {});
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const { labels, value } of values) gauge.set(labels, value);
  }
  return registry.metrics();
}
