// What a restart forgot: the published documents are read from the store, and what they were compiled from out of the git mirror,
// without network. Law: nobody is let in whom the newest commit the mirror knows keeps out; what cannot be known lets nobody in.
import { type Compiled, compile } from './core/compile.ts';
import type { Desired } from './core/desired.ts';
import type { LoadedFile } from './core/files.ts';
import { layOver } from './core/local-restriction.ts';
import { entriesOf } from './core/persistent-map.ts';
import { restrict } from './core/restrict.ts';
import { allRoutes } from './judge.ts';
import { olderVersions } from './older-versions.ts';
import type { LocalRestriction } from './ports/restrictions.ts';
import type { BoundEnrolment, Lease, Store } from './ports/store.ts';
import { isPublished, type PublishedRoutes, publishedRoutes } from './published-routes.ts';
import { quarantine } from './quarantine.ts';
import { readCommit } from './read-commit.ts';
import { recallRollout } from './recall-rollout.ts';
import type { Reconciler } from './reconcile.ts';
import { wantedSecrets } from './secrets-wanted.ts';
import { NOTHING_YET, type Standing } from './standing.ts';

/** What is published, without what it was compiled from. @throws what the store throws */
export async function storedStanding(store: Store): Promise<Standing> {
  const [head, nodes, local] = await Promise.all([store.head(), store.nodes(), store.restrictions()]);
  return { ...NOTHING_YET, head, local, nodes: new Map(nodes.map((node) => [node.node, node])) };
}

/**
 * `stored` with what git says of it: the published state, under the restrictions of the newest commit fetched. `stored` itself when the
 * mirror lacks either; without `compiled` when today's rules refuse a node file that was published. @throws what the adapters throw
 */
export async function recall(
  stored: Standing,
  { source, store, secrets, now }: Pick<Reconciler, 'source' | 'store' | 'secrets' | 'now'>,
): Promise<Standing> {
  const { head, older } = stored;
  const commit = await source.newestKnown();
  if (!head || commit === undefined || !(await source.isAncestor(head.commit, head.commit))) return stored;
  const published = await readCommit(NOTHING_YET, head.commit, source);
  const newest = await readCommit({ commit: head.commit, newest: published }, commit, source);
  const routes = publishedRoutes(stored.nodes.values(), store);
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
  if ([...entriesOf(published.fleetFiles)].some(([, file]) => file.value === undefined)) return known;
  const { enrolments, leases } = await knownNodes(store);
  const at = now();
  // From what was sealed before: a restart takes no login away.
  const sealed = await secrets.prepare(wantedSecrets([known.live]), at);
  const build = (state: Desired, previous?: Compiled) =>
    compile({ desired: layOver(state, known.local), enrolments, leases, sealed, now: at }, previous);
  const compiled = build(known.live);
  const kept = { live: known.live, nodes: known.nodes, compiled, commit: head.commit };
  return { ...known, compiled, ...(await recallRollout(head.rollout, kept, source, build)) };
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
