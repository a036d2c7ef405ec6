// What a restart forgot: the published documents are read from the store, and what they were compiled from out of the git mirror,
// without network. Law: nobody is let in whom the newest commit the mirror knows keeps out; what cannot be known lets nobody in.
import type { Edge } from '../schemas/types.ts';
import { type Compiled, compile } from './core/compile.ts';
import { type Desired, type DesiredChange, updateDesired } from './core/desired.ts';
import type { LoadedFile } from './core/files.ts';
import { layOver } from './core/local-restriction.ts';
import { entriesOf } from './core/persistent-map.ts';
import { restrict } from './core/restrict.ts';
import { loadAccepted } from './core/rollout/older-rules.ts';
import { slotsOf } from './core/slots.ts';
import { allRoutes } from './judge.ts';
import { olderVersions } from './older-versions.ts';
import type { LocalRestriction } from './ports/restrictions.ts';
import type { Source } from './ports/source.ts';
import type { BoundEnrolment, Lease, PublishedNode, Store } from './ports/store.ts';
import { isPublished, type PublishedRoutes, publishedRoutes } from './published-routes.ts';
import { quarantine } from './quarantine.ts';
import { readCommit } from './read-commit.ts';
import { recallRollout } from './recall-rollout.ts';
import type { Reconciler } from './reconcile.ts';
import { wantedSecrets } from './secrets-wanted.ts';
import { NOTHING_YET, type Standing } from './standing.ts';

/** What is published, without what it was compiled from. @throws what the store throws */
export async function storedStanding(store: Store): Promise<Standing> {
  const [head, nodes, damaged, local] = await Promise.all([
    store.head(),
    store.nodes(),
    store.damagedNodes(),
    store.restrictions(),
  ]);
  return { ...NOTHING_YET, head, local, nodes: byName(nodes), damaged: byName(damaged) };
}

function byName(nodes: readonly PublishedNode[]): Map<string, PublishedNode> {
  return new Map(nodes.map((node) => [node.node, node]));
}

/**
 * `stored` with what git says of it: the published state, under the restrictions of the newest commit fetched. `stored` itself when the
 * mirror lacks either; without `compiled` when today's code cannot work with a kokoa.yaml or a machine's file that was published. @throws what
 * the adapters throw
 */
export async function recall(
  stored: Standing,
  { source, store, secrets, now }: Pick<Reconciler, 'source' | 'store' | 'secrets' | 'now'>,
): Promise<Standing> {
  const { head, older } = stored;
  const commit = await source.newestKnown();
  if (!head || commit === undefined || !(await source.isAncestor(head.commit, head.commit))) return stored;
  const read = await readCommit(NOTHING_YET, head.commit, source);
  const newest = await readCommit({ commit: head.commit, newest: read }, commit, source);
  const published = await underOlderRules(read, source);
  const routes = publishedRoutes(stored, store, (node) => poolIn(published, node));
  const { desired, quarantined } = await quarantine(published, allRoutes(published), {
    holderOf: (_claim, claims) => onlyPublished(claims, published, routes),
    publishedVersion: async (file) => {
      if (await isPublished(file, published, routes)) return file;
      for await (const version of olderVersions(file, head.commit, source, older))
        if (version.kind === 'route' && (await isPublished(version, published, routes))) return version;
      return undefined;
    },
    olderVersions: (file) => olderVersions(file, head.commit, source, older),
  });
  const known = { ...stored, commit, newest, live: restrict(desired, newest).desired, quarantined };
  const isRead = [...entriesOf(published.fleetFiles)].every(([, file]) => file.value !== undefined);
  const { enrolments, leases } = await knownNodes(store);
  const at = now();
  // From what was sealed before: a restart takes no login away.
  const sealed = await secrets.prepare(wantedSecrets([known.live]), at);
  const build = (state: Desired, previous?: Compiled) =>
    compile({ desired: layOver(state, known.local), enrolments, leases, sealed, now: at }, previous);
  const compiled = isRead ? compiledAgain(known.live, read, build) : undefined;
  const kept = { live: known.live, nodes: known.nodes, compiled, commit: head.commit };
  return { ...known, compiled, ...(await recallRollout(head.rollout, kept, source, build)) };
}

/** `read` with the values of those kokoa.yaml and machines' files that only the rules of today refuse: they were published, and are told still. */
async function underOlderRules(read: Desired, source: Pick<Source, 'contents'>): Promise<Desired> {
  const accepted: DesiredChange[] = [];
  for (const [path, { blob, value }] of entriesOf(read.fleetFiles)) {
    const bytes = value === undefined ? await source.contents(blob) : undefined;
    if (bytes !== undefined) accepted.push({ path, file: loadAccepted(path, blob, bytes) });
  }
  return accepted.length === 0 ? read : updateDesired(read, accepted);
}

/** Undefined: a value that today's rules refuse is one that today's code cannot work with. */
function compiledAgain(live: Desired, read: Desired, build: (state: Desired) => Compiled): Compiled | undefined {
  try {
    return build(live);
  } catch (error) {
    if ([...entriesOf(read.fleetFiles)].every(([, { value }]) => value !== undefined)) throw error;
    return undefined;
  }
}

/** Where an edge belongs; undefined: it is none. */
function poolIn(desired: Desired, node: string): string | undefined {
  const edge = slotsOf(desired).find((slot) => slot.node === node && slot.role === 'edge');
  return edge && ((edge.file.value as Edge | undefined)?.pool ?? desired.kokoa?.value?.pools[0]?.name);
}

/** What nodes announced and lease, as the compiler takes it, and what operators took from them. */
export async function knownNodes(
  store: Store,
): Promise<{ enrolments: Map<string, BoundEnrolment>; leases: readonly Lease[]; restrictions: LocalRestriction[] }> {
  const [enrolments, leases, restrictions] = await Promise.all([
    store.enrolments(),
    store.leases(),
    store.restrictions(),
  ]);
  return { enrolments: new Map(enrolments.map((bound) => [bound.node, bound])), leases, restrictions };
}

/** The file that says what is published of its name. Where several say the same, nobody can tell, and visitors see no difference. */
async function onlyPublished(
  claims: readonly LoadedFile<'route'>[],
  desired: Desired,
  routes: PublishedRoutes,
): Promise<string | undefined> {
  const same: string[] = [];
  for (const file of claims) if (await isPublished(file, desired, routes)) same.push(file.path);
  return same.length === 1 ? same[0] : undefined;
}
