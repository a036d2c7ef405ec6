// The story of the control plane: fetch → read → judge → compile → guard → sign → publish. A run that fails changes nothing;
// what cannot be published is held, with the reason, while restrictions take effect all the same.
import { KokoaError } from '../bundle/error.ts';
import { checkFleet } from './core/check.ts';
import { type Compiled, compile } from './core/compile.ts';
import { type Desired, updateDesired } from './core/desired.ts';
import { viewOfDesired } from './core/desired-view.ts';
import type { FileChange } from './core/files.ts';
import { judgePlan, type Verdict } from './core/guard.ts';
import { kindOf, loadFile } from './core/load.ts';
import { changedKeys, entriesOf } from './core/persistent-map.ts';
import { type Plan, planOf } from './core/plan.ts';
import type { Problem } from './core/problem.ts';
import { restrict } from './core/restrict.ts';
import type { Source } from './ports/source.ts';
import type { Store } from './ports/store.ts';
import { publish, type Signing } from './publish.ts';
import { quarantine } from './quarantine.ts';
import { type Hold, NOTHING_YET, type Standing } from './standing.ts';

export interface Reconciler {
  source: Source;
  store: Store;
  signing: Signing;
  now(): Date;
  /** Called after each step with its duration in ms. */
  timed(step: Step, ms: number): void;
}

export type Step = 'fetch' | 'read' | 'validate' | 'compile' | 'guard' | 'publish';

export interface Outcome {
  standing: Standing;
  kind: 'published' | 'unchanged' | 'held';
  /** What changed for visitors and nodes. */
  plan: Plan | undefined;
  /** Nodes whose bundle changed, and those no longer served. */
  changed: string[];
  removed: string[];
}

/** One run; without `fetch`, over the commit read last. @throws KokoaError when git or the store fails, or another reconciler published; `standing` is then still the truth. */
export async function reconcile(standing: Standing, deps: Reconciler, fetch = true): Promise<Outcome> {
  const lap = stopwatch(deps.timed);
  const commit = fetch || !standing.commit ? await deps.source.fetch() : standing.commit;
  lap('fetch');
  const newest = await read(standing, commit, deps.source);
  lap('read');
  const judged = await judge({ ...standing, commit, newest }, commit, deps.source);
  lap('validate');
  if (!judged.live.kokoa) return { kind: 'held', standing: judged, plan: undefined, changed: [], removed: [] };
  const known = await knownNodes(deps.store);
  const build = (desired: Desired) => compile(desired, known.enrolments, known.leases, deps.now(), standing.compiled);
  const wanted = build(judged.live);
  lap('compile');
  const guarded = guard(judged, wanted, build);
  lap('guard');
  const published = await publish(
    standing,
    guarded.compiled,
    guarded.hold ? (standing.head?.commit ?? commit) : commit,
    guarded.overrideBase,
    deps.store,
    deps.signing,
    deps.now(),
  );
  lap('publish');
  if (published === 'conflict') throw new KokoaError('publish_conflict', 'another reconciler published in between');
  const { head, nodes, changed, removed } = published;
  const { compiled, hold } = guarded;
  const kind = hold ? 'held' : changed.length + removed.length > 0 ? 'published' : 'unchanged';
  const plan = planOf(standing.compiled, compiled);
  return { kind, standing: { ...judged, live: compiled.desired, compiled, hold, head, nodes }, plan, changed, removed };
}

/**
 * Rebuilds what a restart forgot: the published documents from the store, and what they were compiled from out of git. When git
 * no longer has the published commit, the documents are served as they are and the next run holds.
 */
export async function restore({ source, store, now }: Pick<Reconciler, 'source' | 'store' | 'now'>): Promise<Standing> {
  const [head, nodes] = await Promise.all([store.head(), store.nodes()]);
  const stored: Standing = { ...NOTHING_YET, head, nodes: new Map(nodes.map((node) => [node.node, node])) };
  if (!head || !(await source.isAncestor(head.commit, head.commit))) return stored;
  const newest = await read(stored, head.commit, source);
  const judged = await judge({ ...stored, commit: head.commit, newest }, head.commit, source);
  if (!judged.live.kokoa) return stored;
  const known = await knownNodes(store);
  const compiled = compile(judged.live, known.enrolments, known.leases, now());
  return { ...judged, compiled };
}

/** Reads only the files that differ from the commit read last. */
async function read(standing: Standing, commit: string, source: Source): Promise<Desired> {
  if (commit === standing.commit) return standing.newest;
  return updateDesired(standing.newest, (await source.changes(standing.commit, commit)).map(loaded));
}

function loaded({ path, blob, bytes }: FileChange) {
  return blob === undefined || bytes === undefined ? { path } : { path, file: loadFile(path, blob, bytes) };
}

/** Decides what may go live of the newest commit: all of it, all but some routes, or nothing but its restrictions. */
async function judge(standing: Standing, commit: string, source: Source): Promise<Standing> {
  const { newest, live, head } = standing;
  const hold = invalidHold(commit, newest) ?? (await historyHold(commit, head?.commit, newest, source));
  if (hold) return { ...standing, hold, live: restrict(live, newest).desired };
  const { desired, quarantined } = await quarantine(newest, live, suspectsOf(newest, live), commit, source);
  return { ...standing, hold: undefined, live: desired, quarantined };
}

/** Routes to look at: those whose newest file is not the live one, and all of them when what decides for all has changed. */
function suspectsOf(newest: Desired, live: Desired): Set<string> {
  const differing = [...changedKeys(newest.files, live.files)];
  if (differing.every((path) => kindOf(path) === 'route')) return new Set(differing);
  return new Set([...entriesOf(newest.files)].map(([path]) => path));
}

function invalidHold(commit: string, newest: Desired): Hold | undefined {
  const problems = fleetErrors(newest);
  const first = problems[0];
  if (!first) return undefined;
  const message = `${first.file}:${first.line}:${first.column}: ${first.message}`;
  return { reason: 'invalid', commit, message, hint: first.hint, problems };
}

async function historyHold(
  commit: string,
  published: string | undefined,
  newest: Desired,
  source: Source,
): Promise<Hold | undefined> {
  if (published === undefined || (await source.isAncestor(published, commit))) return undefined;
  if (newest.kokoa?.value?.guards?.override?.base === published) return undefined;
  return {
    reason: 'history_rewritten',
    commit,
    message: `the published commit ${published} is no ancestor of ${commit}`,
    hint: `if the history was rewritten on purpose, set guards.override.base to ${published} in kokoa.yaml`,
    problems: [],
  };
}

interface Guarded {
  compiled: Compiled;
  hold: Hold | undefined;
  overrideBase: string | undefined;
}

/** Lets `wanted` through, or falls back to what is live with the newest restrictions over it. */
function guard(standing: Standing, wanted: Compiled, build: (desired: Desired) => Compiled): Guarded {
  const { compiled, head, newest, hold } = standing;
  const kept = { overrideBase: head?.overrideBase };
  if (hold || !compiled || !head) return { compiled: wanted, hold, ...kept };
  const published = { compiled, commit: head.commit, ...kept };
  const verdict = judgePlan(published, wanted, planOf(compiled, wanted));
  if (verdict.kind === 'pass') return { compiled: wanted, hold, ...kept };
  if (verdict.kind === 'overridden') return { compiled: wanted, hold, overrideBase: verdict.base };
  return { compiled: build(restrict(compiled.desired, newest).desired), hold: guardHold(standing.commit!, verdict), ...kept };
}

function guardHold(commit: string, { reasons, override }: Extract<Verdict, { kind: 'refused' }>): Hold {
  const message = reasons.map((reason) => reason.message).join('; ');
  return { reason: 'guard', commit, message, hint: `${reasons[0]?.hint ?? ''}\n${override}`, problems: [] };
}

/** Errors of kokoa.yaml and the node files: with them nothing new is published, whatever the routes say. */
function fleetErrors(newest: Desired): Problem[] {
  const own = [...entriesOf(newest.fleetFiles)].flatMap(([, file]) => file.problems);
  return [...own, ...checkFleet(viewOfDesired(newest))].filter(({ severity }) => severity === 'error');
}

async function knownNodes(store: Store) {
  const [enrolments, leases] = await Promise.all([store.enrolments(), store.leases()]);
  return { enrolments: new Map(enrolments.map((bound) => [bound.node, bound])), leases };
}

function stopwatch(timed: Reconciler['timed']): (step: Step) => void {
  let since = performance.now();
  return (step) => {
    const now = performance.now();
    timed(step, now - since);
    since = now;
  };
}
