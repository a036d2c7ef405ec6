// The story of the control plane: fetch → read → judge → seal → compile → guard → roll out → sign → publish. A run that fails changes
// nothing but who is kept out; what cannot be published is held, with the reason, while restrictions take effect all the same.
import { KokoaError } from '../bundle/error.ts';
import { type Compiled, compile } from './core/compile.ts';
import type { Desired } from './core/desired.ts';
import { expiringBetween } from './core/expiry.ts';
import { judgePlan, todoOf, type Verdict } from './core/guard.ts';
import { layOver, sameRestrictions } from './core/local-restriction.ts';
import { type Plan, planOf } from './core/plan.ts';
import { restrict } from './core/restrict.ts';
import type { RolloutEvent } from './core/rollout/rollout-event.ts';
import { losesTeamToken } from './core/team-token.ts';
import type { EdgeHealth } from './edge-health.ts';
import { judge } from './judge.ts';
import type { HeardNodes } from './ports/heard-nodes.ts';
import type { Source } from './ports/source.ts';
import type { Store } from './ports/store.ts';
import { publish, type Signing } from './publish.ts';
import { readCommit } from './read-commit.ts';
import { knownNodes, recall } from './restore.ts';
import { rollOut } from './roll-out.ts';
import type { Secrets } from './secrets.ts';
import { wantedSecrets } from './secrets-wanted.ts';
import type { Hold, Standing } from './standing.ts';

export interface Reconciler {
  source: Source;
  store: Store;
  secrets: Pick<Secrets, 'prepare'>;
  signing: Signing;
  /** What settings that go out wait for. */
  heard: HeardNodes;
  /** Which edges are silent, so that others order their certificates; absent: none. */
  health?: EdgeHealth;
  now(): Date;
  /** Called after each step with its duration in ms. */
  timed(step: Step, ms: number): void;
  /** The newest commit takes something from a node: `standing` holds from now on, also when the run fails later. */
  restricted?(standing: Standing): void;
}

export type Step = 'fetch' | 'read' | 'validate' | 'seal' | 'compile' | 'guard' | 'roll_out' | 'publish';

export interface Outcome {
  standing: Standing;
  kind: 'published' | 'unchanged' | 'held';
  /** What changed for visitors and nodes. */
  plan: Plan | undefined;
  /** Nodes whose bundle changed, and those no longer served. */
  changed: string[];
  removed: string[];
  /** What happened to settings that go out in waves. */
  rollout: RolloutEvent | undefined;
  /** Why nothing was fetched, when it was to be: the run was made over the commit read last. */
  unfetched: unknown;
  /** False: there were more secrets than one run has time for, and another goes on with them. */
  sealedAll: boolean;
}

/**
 * One run; without `fetch`, over the commit read last. @throws KokoaError when git or the store fails, or another reconciler published;
 * `standing`, or what `restricted` was told, is then still the truth.
 */
export async function reconcile(standing: Standing, deps: Reconciler, fetch = true): Promise<Outcome> {
  const { source, store, signing } = deps;
  const lap = stopwatch(deps.timed);
  const { commit, unfetched } = await newestCommit(standing, source, fetch);
  lap('fetch');
  const known = standing.head && !standing.compiled ? await recall(standing, deps) : standing;
  const newest = await readCommit(known, commit, source);
  lap('read');
  announceRestrictions(known, { commit, newest }, deps);
  const judged = await judge({ ...known, commit, newest }, source);
  lap('validate');
  if (judged.hold && !known.compiled) return { ...NOTHING_DONE, kind: 'held', standing: judged, unfetched };
  const { enrolments, leases, restrictions } = await knownNodes(store);
  const silent = deps.health?.silent();
  const local = sameRestrictions(known.local, restrictions) ? known.local : restrictions;
  const now = deps.now();
  // A guard may fall back to what is live, so that its secrets are needed as well.
  const states = known.compiled ? [judged.live, known.compiled.desired] : [judged.live];
  const sealed = await deps.secrets.prepare(wantedSecrets(states), now);
  lap('seal');
  const overlaid = (desired: Desired) => layOver(desired, local);
  const build = (desired: Desired, previous = known.compiled) =>
    compile({ desired: overlaid(desired), enrolments, leases, ...(silent && { silent }), sealed, now }, previous);
  const wanted = build(judged.live);
  lap('compile');
  const { compiled, live, hold, overrideBase } = guard(known.live, judged, wanted, { overlaid, build });
  lap('guard');
  const liveCommit = hold ? known.head!.commit : commit;
  const { rolling, offered, event } = rollOut(known, {
    live,
    compiled,
    commit: liveCommit,
    build,
    heard: deps.heard,
    now,
  });
  lap('roll_out');
  const said = { commit: liveCommit, overrideBase, rollout: rolling?.state };
  const published = await publish(known, offered, said, store, signing, now);
  lap('publish');
  if (published === 'conflict') throw new KokoaError('publish_conflict', 'another reconciler published in between');
  const { head, nodes, damaged, changed, removed } = published;
  const kind = hold ? 'held' : changed.length + removed.length > 0 ? 'published' : 'unchanged';
  const { quarantined } = hold ? known : judged;
  const told = { live, local, compiled, rolling, offered, head, nodes, damaged, hold, quarantined };
  const next = { ...judged, ...told, stored: true };
  const plan = planOf(known.compiled, compiled);
  return { kind, standing: next, plan, changed, removed, rollout: event, unfetched, sealedAll: sealed.complete };
}

const NOTHING_DONE = { plan: undefined, changed: [], removed: [], rollout: undefined, sealedAll: true };

/** Git being away keeps nothing else from taking effect: then the commit read last is the newest. */
async function newestCommit({ commit }: Standing, source: Source, fetch: boolean) {
  if (!fetch && commit !== undefined) return { commit, unfetched: undefined };
  try {
    return { commit: await source.fetch(), unfetched: undefined };
  } catch (error) {
    if (commit === undefined) throw error;
    return { commit, unfetched: error };
  }
}

function announceRestrictions(
  known: Standing,
  read: Pick<Standing, 'commit' | 'newest'>,
  { restricted }: Pick<Reconciler, 'restricted'>,
): void {
  const { desired, restrictions } = restrict(known.live, read.newest);
  // The tokens of teams are looked up in the newest files as well.
  if (restrictions.length > 0 || losesTeamToken(known.live, read.newest))
    restricted?.({ ...known, ...read, live: desired });
}

interface Making {
  /** Under what operators took from nodes here. */
  overlaid(desired: Desired): Desired;
  /** `overlaid`, compiled. */
  build(desired: Desired): Compiled;
}

interface Guarded {
  compiled: Compiled;
  /** What git says of it. */
  live: Desired;
  hold: Hold | undefined;
  overrideBase: string | undefined;
}

/**
 * Lets `wanted` through, or falls back to `before`, what was live, with the newest restrictions over it. Those are not part of what is
 * judged, and neither are routes that end by themselves: the published files said when. A commit that sets another end is judged like any
 * other, because what is live is taken at the same time of day under the published files.
 */
function guard(before: Desired, judged: Standing, wanted: Compiled, { overlaid, build }: Making): Guarded {
  const { compiled, head, newest, hold, live } = judged;
  const kept = { overrideBase: head?.overrideBase };
  if (hold || !compiled || !head) return { compiled: wanted, live, hold, ...kept };
  const { desired } = restrict(before, newest);
  const ended = expiringBetween(compiled.desired, compiled.routing.nowMs, wanted.routing.nowMs);
  const isSame = overlaid(desired) === compiled.desired && ended.length === 0;
  const base = isSame ? compiled : build(desired);
  const verdict = judgePlan({ compiled: base, commit: head.commit, ...kept }, wanted, planOf(base, wanted));
  if (verdict.kind === 'pass') return { compiled: wanted, live, hold, ...kept };
  if (verdict.kind === 'overridden') return { compiled: wanted, live, hold, overrideBase: verdict.base };
  return { compiled: build(desired), live: desired, hold: guardHold(judged.commit!, head.commit, verdict), ...kept };
}

function guardHold(commit: string, base: string, verdict: Extract<Verdict, { kind: 'refused' }>): Hold {
  const { reasons, override, planHash } = verdict;
  const message = reasons.map((reason) => reason.message).join('; ');
  const hint = [todoOf(reasons), ...(override === undefined ? [] : [override])].join('\n');
  const refused = override === undefined ? undefined : { plan: planHash, base };
  return { reason: 'guard', commit, message, hint, problems: [], ...(refused && { refused }) };
}

function stopwatch(timed: Reconciler['timed']): (step: Step) => void {
  let since = performance.now();
  return (step) => {
    const now = performance.now();
    timed(step, now - since);
    since = now;
  };
}
