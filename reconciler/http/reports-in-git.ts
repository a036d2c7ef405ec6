// The newest reports of the nodes that git has. What was heard of others stays in the store, for whoever takes one back, and is shown nowhere.
import type { NodeReport } from '../ports/store.ts';
import type { HttpDeps } from './deps.ts';

type Known = Pick<HttpDeps, 'reports' | 'served'>;

export function reportsInGit({ reports, served }: Known): Generator<NodeReport> {
  return reportsOf(reports, new Set(Array.from(served.access.values(), ({ node }) => node)));
}

/** Of those only the nodes that people do not keep out. */
export function reportsInService({ reports, served }: Known): Generator<NodeReport> {
  return reportsOf(reports, nodesInService(served));
}

export function nodesInService({ access }: Pick<Known['served'], 'access'>): Set<string> {
  const isIn = ({ state }: { state: string }) => state === 'active' || state === 'draining';
  return new Set([...access.values()].filter(isIn).map(({ node }) => node));
}

function* reportsOf(reports: Known['reports'], nodes: ReadonlySet<string>): Generator<NodeReport> {
  for (const report of reports.reports()) if (nodes.has(report.node)) yield report;
}
