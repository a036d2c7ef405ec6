// The newest reports of the nodes that git has. What was heard of others stays in the store, for whoever takes one back, and is shown nowhere.
import type { NodeReport } from '../ports/store.ts';
import type { HttpDeps } from './deps.ts';

export function* reportsInGit({ reports, served }: Pick<HttpDeps, 'reports' | 'served'>): Generator<NodeReport> {
  const nodes = new Set(Array.from(served.access.values(), ({ node }) => node));
  for (const report of reports.reports()) if (nodes.has(report.node)) yield report;
}
