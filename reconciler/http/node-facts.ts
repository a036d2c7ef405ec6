// What monitoring may know of every node of git that reports: numbers alone. Law: what a node says of itself changes nothing but its own numbers.
import type { NodeFacts } from '../adapters/metrics-nodes.ts';
import type { NodeReport } from '../ports/store.ts';
import type { HttpDeps } from './deps.ts';
import { nodesInService, reportsInGit } from './reports-in-git.ts';
import { seenBackends } from './seen-backends.ts';

export function nodeFacts({ reports, served }: Pick<HttpDeps, 'reports' | 'served'>, nowMs: number): NodeFacts[] {
  const serving = nodesInService(served);
  const backends = Map.groupBy(seenBackends({ reports, served }, nowMs), ({ service }) => service.origin);
  return Array.from(reportsInGit({ reports, served }), (kept) => {
    const asked = backends.get(kept.node);
    return {
      ...factsOf(kept, served.node(kept.node)?.published, nowMs),
      isKeptOut: !serving.has(kept.node),
      ...(asked && { backends: asked.length, backendsDown: asked.filter(({ down }) => down).length }),
    };
  });
}

function factsOf(
  { node, report }: NodeReport,
  published: { configHash: string; version: number } | undefined,
  nowMs: number,
): Omit<NodeFacts, 'isKeptOut'> {
  const { state, stateSince, rootVersion, applied, quarantined = [], certificates = [], unacknowledged = [] } = report;
  const ends = certificates.map(({ notAfter }) => Date.parse(notAfter)).filter(Number.isFinite);
  return {
    ...{ node, state, quarantined: quarantined.length },
    certificatesEnding: certificates.filter(({ ending }) => ending !== undefined).length,
    certificatesExposed: certificates.filter(({ exposed }) => exposed !== undefined).length,
    unacknowledged: unacknowledged.length,
    ...(stateSince !== undefined && { stateAgeSeconds: secondsSince(Date.parse(stateSince), nowMs) }),
    ...(rootVersion !== undefined && { rootVersion }),
    // A version is the time of its publication, or a little more.
    ...(published && {
      behindSeconds: applied === published.configHash ? 0 : secondsSince(published.version, nowMs),
    }),
    ...(ends.length > 0 && { certificatesEndSeconds: ends.reduce((a, b) => Math.min(a, b)) / 1000 }),
  };
}

function secondsSince(ms: number, nowMs: number): number {
  return Math.max(0, nowMs - ms) / 1000;
}
