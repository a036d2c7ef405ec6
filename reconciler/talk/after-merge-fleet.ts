// The standing and the nodes' reports as the values that the progress of a merge is made of.
import { claimOf, hostCount } from '../core/desired.ts';
import { layOver } from '../core/local-restriction.ts';
import { lookup } from '../core/persistent-map.ts';
import type { Problem } from '../core/problem.ts';
import type { MergeEdge, MergeFleet } from '../core/pull-request/merge-fleet.ts';
import type { CommitState } from '../core/pull-request/progress-statuses.ts';
import type { Touched } from '../core/pull-request/touched.ts';
import { isReached } from '../core/rollout/rollout.ts';
import { slotsOf } from '../core/slots.ts';
import type { FleetReports } from '../http/fleet-reports.ts';
import type { Standing } from '../standing.ts';

export type ReportsOfNodes = Pick<FleetReports, 'report' | 'lastSeenMs'>;

export function defaultPoolOf({ newest, live }: Standing): string {
  const settings = newest.kokoa?.value ?? live.kokoa?.value;
  return settings?.pools[0]?.name ?? 'default';
}

/** Edges that count: whoever is suspended gets nothing, and nobody waits for it. */
export function mergeEdges(standing: Standing, reports: ReportsOfNodes): MergeEdge[] {
  const defaultPool = standing.live.kokoa?.value?.pools[0]?.name ?? 'default';
  return slotsOf(layOver(standing.live, standing.local)).flatMap(({ node, role, state, file }): MergeEdge[] => {
    if (role !== 'edge' || (state !== 'active' && state !== 'draining')) return [];
    const pool = (file.kind === 'edge' ? file.value?.pool : undefined) ?? defaultPool;
    const published = standing.nodes.get(node)?.configHash;
    const isBehind = standing.rolling !== undefined && !isReached(standing.rolling.state, node);
    const heard = { lastSeenMs: reports.lastSeenMs(node), report: reports.report(node)?.report };
    return [{ node, pool, state, published, ...heard, ...(isBehind && { isBehind }) }];
  });
}

export function mergeFleet(
  standing: Standing,
  touched: Touched,
  edges: readonly MergeEdge[],
  { isPublished, isInBranch }: Pick<MergeFleet, 'isPublished' | 'isInBranch'>,
): MergeFleet {
  const { newest, live, hold, quarantined } = standing;
  const changedSince = touched.names.filter(({ file, blob }) => lookup(newest.files, file)?.blob !== blob);
  const takenOver = touched.names.filter(
    ({ change, kind, name }) =>
      change === 'removed' && kind === 'host' && claimOf(live.routesByHost, name) !== undefined,
  );
  return {
    ...{ isPublished, isInBranch, edges },
    hold: hold && { message: hold.message, hint: hold.hint },
    quarantined: new Map([...quarantined].flatMap(([file, [first]]) => (first === undefined ? [] : [[file, first]]))),
    changedSince: new Set(changedSince.map(({ file }) => file)),
    takenOver: new Set(takenOver.map(({ name }) => name)),
  };
}

/** Undefined: no commit was read yet. */
export function commitState({ commit, head, hold, quarantined, newest }: Standing): CommitState | undefined {
  if (commit === undefined) return undefined;
  const leftOut = [...quarantined]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, [first]]): Problem[] => (first ? [first] : []));
  return { commit, published: head?.commit, hold, leftOut, hosts: hostCount(newest) };
}
