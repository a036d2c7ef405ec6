// One pull request, from what it proposes to what is said of it: merge by file → load → judge by the base → plan. Law: nothing of it is run
// or written, it is told apart from what the branch did meanwhile, and between two files everybody else has a turn.
import { setImmediate as turn } from 'node:timers/promises';
import { KokoaError } from '../../bundle/error.ts';
import type { AnnouncedLists } from '../core/changes/allow-lists.ts';
import { changesOf } from '../core/changes/changes.ts';
import { verdictOf } from '../core/changes/verdict.ts';
import { compile } from '../core/compile.ts';
import type { Desired } from '../core/desired.ts';
import type { LoadedFile } from '../core/files.ts';
import { kindOf, loadFile } from '../core/load.ts';
import { layOver } from '../core/local-restriction.ts';
import { WEEK_MS } from '../core/order-budget.ts';
import { lookup } from '../core/persistent-map.ts';
import type { Problem } from '../core/problem.ts';
import { type ChangedFile, judgePullSteps } from '../core/pull-request/judge-pull.ts';
import type { JudgedPullRequest, LineOf, PullReport } from '../core/pull-request/report.ts';
import { NOTHING_SEALED } from '../core/sealed.ts';
import { withoutSecrets } from '../core/secret-parts.ts';
import type { Steps } from '../core/steps.ts';
import { allRoutes, fleetErrors } from '../judge.ts';
import type { ProposedFile, PullSource } from '../ports/pull-source.ts';
import type { Store } from '../ports/store.ts';
import { claimantsOf, quarantine } from '../quarantine.ts';
import { knownNodes } from '../restore.ts';
import type { Standing } from '../standing.ts';

/** Of this process, for one pull request, and at a time. */
const JUDGE_MS_MAX = 20_000;
const SLICE_MS = 10;

export interface PullJudge {
  source: Pick<PullSource, 'mergeBase' | 'changes' | 'mergedOtherwise'>;
  store: Store;
  branch: string;
  now(): Date;
}

/** `merged`: all of it is on the branch already, under whatever commit. */
export type PullVerdict = JudgedPullRequest | 'merged';

/** `standing` has read a commit. @throws KokoaError git_failed, object_missing, and what the store throws */
export async function judgePullRequest(
  { number, commit }: { number: number; commit: string },
  standing: Standing & { commit: string },
  deps: PullJudge,
): Promise<PullVerdict> {
  const about = { number, commit, base: standing.commit, branch: deps.branch };
  try {
    const report = await reportOn(commit, standing, deps);
    return report === 'merged' ? 'merged' : { ...about, report };
  } catch (error) {
    if (!(error instanceof KokoaError) || error.code !== 'pull_too_large') throw error;
    return { ...about, report: { kind: 'unreadable', message: error.message, hint: error.hint ?? '' } };
  }
}

async function reportOn(
  commit: string,
  standing: Standing & { commit: string },
  deps: PullJudge,
): Promise<PullReport | 'merged'> {
  const from = await deps.source.mergeBase(standing.commit, commit);
  if (from === undefined) return unrelated(deps.branch);
  if (from === commit) return 'merged';
  const proposed = await deps.source.changes(from, commit);
  const files = proposed.filter((file) => !isThere(standing.newest, file));
  const conflicts = files.filter(({ path, before }) => lookup(standing.newest.files, path)?.blob !== before);
  if (conflicts.length > 0) return { kind: 'conflict', files: conflicts.map(({ path }) => path) };
  // What git would make of it decides, also of what it seems to leave alone.
  const others = from === standing.commit ? [] : await deps.source.mergedOtherwise(standing.commit, commit, files);
  if (others.length > 0) return { kind: 'conflict', files: others };
  if (proposed.length === 0) return { kind: 'no_data' };
  if (files.length === 0) return 'merged';
  const changed = await loaded(files);
  const unread = files.flatMap(({ problem }) => problem ?? []);
  const { problems, head, linesNeeded } = await inTurns(judgePullSteps(standing.newest, changed, unread, deps.now()));
  const lineOf = linesOf(files);
  if (problems.some(isError)) return { kind: 'errors', problems, linesNeeded, lineOf };
  const broken = fleetErrors(head);
  if (broken.length > 0)
    return { kind: 'broken_base', files: [...new Set(broken.map(({ file }) => file))], warnings: problems, lineOf };
  const changes = await planOn(head, changed, standing, deps);
  const held = standing.hold && { held: standing.hold.message };
  return { kind: 'planned', changes, warnings: problems, lineOf, ...held };
}

function unrelated(branch: string): PullReport {
  return {
    kind: 'unreadable',
    message: `it has no commit in common with ${branch}`,
    hint: `begin on ${branch}, and propose the change from there`,
  };
}

/** The branch says the same already. */
function isThere(newest: Desired, { path, blob, problem }: ProposedFile): boolean {
  return problem === undefined && lookup(newest.files, path)?.blob === blob;
}

async function loaded(files: readonly ProposedFile[]): Promise<ChangedFile[]> {
  const changed: ChangedFile[] = [];
  for (const { path, blob, bytes } of files) {
    if (kindOf(path) === undefined) continue;
    changed.push({ path, file: blob === undefined || bytes === undefined ? undefined : loadFile(path, blob, bytes) });
    await turn();
  }
  return changed;
}

/** Between its steps everybody else has a turn, and it ends in time. @throws KokoaError pull_too_large */
async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (let usedMs = 0; usedMs < JUDGE_MS_MAX; ) {
    const since = performance.now();
    while (performance.now() - since < SLICE_MS) {
      const step = steps.next();
      if (step.done) return step.value;
    }
    usedMs += performance.now() - since;
    await turn();
  }
  throw new KokoaError('pull_too_large', `it takes more than ${JUDGE_MS_MAX / 1000} s to judge`, {
    hint: 'Split the change; what is wrong with it is told by: kokoa validate --base',
  });
}

/** What would go live of it, beside what is live. Nobody's secret is opened for that. */
async function planOn(head: Desired, changed: readonly ChangedFile[], standing: Standing, { store, now }: PullJudge) {
  const { enrolments, leases } = await knownNodes(store);
  const at = now();
  const { compiled, head: published } = standing;
  const build = (desired: Desired) =>
    compile(
      { desired: layOver(desired, standing.local), enrolments, leases, sealed: NOTHING_SEALED, now: at },
      compiled,
    );
  const candidate = build(await publishable(head, changed, standing));
  const state = compiled && published && { compiled, commit: published.commit, overrideBase: published.overrideBase };
  const announced: AnnouncedLists = new Map(
    [...enrolments].flatMap(([node, { enrolment }]) =>
      enrolment.allow === undefined ? [] : [[node, enrolment.allow]],
    ),
  );
  await turn();
  const guard = verdictOf(state, candidate, build);
  const touched = new Set(changed.map(({ path }) => path));
  const absentAtBase = [...standing.quarantined.keys()].filter((path) => !touched.has(path));
  const server = candidate.desired.kokoa?.value?.acme.server;
  const ordered = server === undefined ? undefined : await store.newNames(server, at.getTime() - WEEK_MS);
  return changesOf({ published: state, candidate, guard, announced, ...(ordered && { ordered }), absentAtBase });
}

/** As `judge` will take it after the merge: a route that is wrong on the branch stays what is live of it, or is absent. */
async function publishable(
  head: Desired,
  changed: readonly ChangedFile[],
  { live, hold, quarantined }: Standing,
): Promise<Desired> {
  const paths = changed.map(({ path }) => path);
  const all = hold !== undefined || paths.some((path) => kindOf(path) !== 'route');
  const suspects = all ? allRoutes(head) : new Set([...paths, ...quarantined.keys()]);
  const liveFile = (path: string) => lookup(live.files, path) as LoadedFile<'route'> | undefined;
  const { desired } = await quarantine(head, suspects, {
    holderOf: async (claim, claimants) => {
      const [path] = claimantsOf(live, claim);
      return claimants.some((claimant) => claimant.path === path) ? path : undefined;
    },
    publishedVersion: async ({ path }) => liveFile(path),
    async *olderVersions({ path }) {
      const file = liveFile(path);
      if (file !== undefined) yield file;
    },
  });
  return desired;
}

/** Lines as text, whatever the bytes are, without what may be secret in the file. Each file is read once. */
function linesOf(files: readonly ProposedFile[]): LineOf {
  const bytes = new Map(files.map((file) => [file.path, file.bytes]));
  const known = new Map<string, string[]>();
  return ({ file, line }: Problem) => {
    if (bytes.get(file) === undefined) return undefined;
    const lines = known.get(file) ?? withoutSecrets(new TextDecoder().decode(bytes.get(file))).split('\n');
    known.set(file, lines);
    return lines[line - 1];
  };
}

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}
