// How far a merge is on its way to visitors: every name it touched, on every edge that counts. Law: a pure function of what is known; no
// moment stands in it, so the same facts are the same value, and it ends: with every edge's answer, or an hour after it was published.
import type { Problem } from '../problem.ts';
import { type EdgeProgress, progressOfEdge } from './edge-progress.ts';
import type { Merge, MergeFleet } from './merge-fleet.ts';
import { type AtEdge, isSettled, isTrouble, nameAtEdge, reportIndex } from './name-progress.ts';
import type { Touched, TouchedName } from './touched.ts';

export const PATIENCE_MS = 60 * 60_000;

export interface NameAtEdge {
  edge: string;
  at: AtEdge;
}

export interface NameProgress {
  touched: TouchedName;
  /** `superseded`: a later merge changed it again. `nowhere`: no edge serves its pool. `edges`: published, see `edges`. */
  state: 'unpublished' | 'quarantined' | 'superseded' | 'nowhere' | 'edges';
  /** Of `quarantined`. */
  problem?: Problem;
  /** Sorted by edge; of `edges` only. */
  edges: readonly NameAtEdge[];
}

export interface Progress {
  commit: string;
  touched: Touched;
  state: 'rewritten' | 'held' | 'unpublished' | 'published';
  /** Of `held`. */
  hold?: { message: string; hint: string };
  names: readonly NameProgress[];
  /** Those that are to take something, sorted by name. */
  edges: readonly EdgeProgress[];
  /** Nothing more is to be expected. */
  isDone: boolean;
  /** Done because the time was over. */
  isLate: boolean;
}

/** `before`: the last progress of the same merge. */
export function progressOf(merge: Merge, fleet: MergeFleet, nowMs: number, before?: Progress): Progress {
  const { commit, touched } = merge;
  const state = stateOf(fleet);
  const common = { commit, touched, state, isLate: false };
  if (state !== 'published') {
    const names = touched.names.map((one): NameProgress => ({ touched: one, state: 'unpublished', edges: [] }));
    const hold = state === 'held' && fleet.hold !== undefined && { hold: fleet.hold };
    return { ...common, ...hold, names, edges: [], isDone: state === 'rewritten' };
  }
  const edges = edgesFor(touched, fleet, nowMs, before);
  const names = publishedNames(touched, fleet, edges, before);
  const isSettledNow = areEdgesSettled(edges) && names.every(isNameSettled);
  const isLate = !isSettledNow && nowMs - merge.sinceMs > PATIENCE_MS;
  return { ...common, names, edges, isDone: isSettledNow || isLate, isLate };
}

/** True when somebody has to do something about a name. */
export function isNameTrouble({ state, edges }: NameProgress, isLate: boolean): boolean {
  if (state === 'quarantined' || state === 'nowhere') return true;
  return edges.some(({ at }) => isTrouble(at, isLate)) || (isLate && isNobodyThere(edges));
}

/** An edge that is away is not waited for, unless there is no other. */
export function isNameSettled({ edges }: NameProgress): boolean {
  return edges.every(({ at }) => isSettled(at)) && !isNobodyThere(edges);
}

function isNobodyThere(edges: readonly NameAtEdge[]): boolean {
  return edges.length > 0 && edges.every(({ at }) => at.kind === 'away');
}

/** The same of what has no name. */
function areEdgesSettled(edges: readonly EdgeProgress[]): boolean {
  const isNobody = edges.length > 0 && edges.every(({ state }) => state === 'away');
  return !isNobody && edges.every(({ state, isQueued }) => state !== 'waiting' && !isQueued);
}

function stateOf({ isInBranch, isPublished, hold }: MergeFleet): Progress['state'] {
  if (!isInBranch) return 'rewritten';
  if (isPublished) return 'published';
  return hold === undefined ? 'unpublished' : 'held';
}

/** Settings and machines concern every edge, a name those of its pool. */
function edgesFor(touched: Touched, fleet: MergeFleet, nowMs: number, before: Progress | undefined): EdgeProgress[] {
  const isForAll = touched.settings || touched.nodes.length > 0;
  const pools = new Set(touched.names.map(({ pool }) => pool));
  const known = new Map(before?.edges.map((edge) => [edge.node, edge]));
  return fleet.edges
    .filter(({ pool }) => isForAll || pools.has(pool))
    .map((edge) => progressOfEdge(edge, known.get(edge.node), { nowMs, waved: touched.waved }));
}

function publishedNames(
  { names }: Touched,
  fleet: MergeFleet,
  edges: readonly EdgeProgress[],
  before: Progress | undefined,
): NameProgress[] {
  const indexes = new Map(fleet.edges.map(({ node, report }) => [node, reportIndex(report)]));
  const asked = names.filter(({ isAsked }) => isAsked).length;
  const pools = Map.groupBy(edges, ({ pool }) => pool);
  return names.map((touched, place): NameProgress => {
    const problem = fleet.quarantined.get(touched.file);
    if (fleet.takenOver.has(touched.name) || (fleet.hold === undefined && fleet.changedSince.has(touched.file)))
      return { touched, state: 'superseded', edges: [] };
    if (problem !== undefined && touched.blob !== undefined)
      return { touched, state: 'quarantined', problem, edges: [] };
    const own = pools.get(touched.pool) ?? [];
    if (own.length === 0 && touched.change !== 'removed') return { touched, state: 'nowhere', edges: [] };
    // The names of a merge are the same ones, in the same order, for as long as it is followed.
    const known = before?.names[place]?.edges;
    const atEdges = own.map((edge, at): NameAtEdge => {
      const index = indexes.get(edge.node)!;
      return {
        edge: edge.node,
        at: nameAtEdge(touched, edge, index, { before: atBefore(known, edge.node, at), asked }),
      };
    });
    return { touched, state: 'edges', edges: atEdges };
  });
}

/** Mostly in the same place: edges come and go seldom. */
function atBefore(known: readonly NameAtEdge[] | undefined, node: string, place: number): AtEdge | undefined {
  const same = known?.[place];
  return same?.edge === node ? same.at : known?.find(({ edge }) => edge === node)?.at;
}
