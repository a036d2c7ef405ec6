// `kokoa plan`: what a merge would do, said before it. It writes nothing, checks nothing out and asks nobody.
import { type Command, Option } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { type DataDir, readDataDir } from '../adapters/data-dir.ts';
import { readRevision } from '../adapters/revision.ts';
import { type Changes, isUnchanged } from '../core/changes/change.ts';
import { changesOf } from '../core/changes/changes.ts';
import { verdictOf } from '../core/changes/verdict.ts';
import { emptyDesired } from '../core/desired.ts';
import type { PublishedState } from '../core/guard.ts';
import type { Problem } from '../core/problem.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { shownFailure } from './failure.ts';
import { isError, type Judgement, judgeData } from './judgement.ts';
import { isBehind } from './plan-ancestry.ts';
import { type PlanOutput, renderChanges, renderErrors } from './plan-print.ts';
import { asChange, compileAt, desiredOn, fileLoader, fleetErrors, liveOf } from './plan-sides.ts';
import { printable, wrap } from './problem-text.ts';

const HELP = `
REV is a commit, branch or tag of the repository that holds DIR; --from is what
is published now, such as origin/main. Without --to the files in DIR count, also
those that are not committed. What only the reconciler knows is not in a plan:
certificates that were ordered this week, what origins allow.

The folder is judged as a change of --from, as its pull request will be: who
owns a name is what --from says. With --to two commits are compared as they
are, also to look back; a note says it when a pull request from the one to the
other would be refused.

Exit code: 0 planned; 1 nothing of it would be published (errors in the data,
or the guard refuses), or wrong usage, or no plan. With --detailed-exitcode
0 nothing changes, 2 something does, 1 as before.`;

export interface PlanOptions {
  from: string;
  to?: string;
  output: PlanOutput;
  detailedExitcode?: boolean;
}

/** What was planned, or the data that cannot be. */
export type Planned =
  | { kind: 'planned'; changes: Changes; notes: string[] }
  | { kind: 'errors'; judgement: Judgement; of?: string };

const EXIT_CHANGES = 2;

/** Adds the command. 2 means changes, so whatever goes wrong ends with 1, wrong usage too. */
export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description('say what merging would do')
    .argument('[dir]', DATA_TOP_HELP)
    .requiredOption('--from <rev>', 'what is published now, such as origin/main')
    .option('--to <rev>', 'what would be (default: the files in the folder)')
    .addOption(
      new Option('-o, --output <format>', 'how to print').choices(['text', 'markdown', 'json']).default('text'),
    )
    .option('--detailed-exitcode', 'exit with 2 when something changes')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 1))
    .addHelpText('after', HELP)
    .action(async (asked: string | undefined, options: PlanOptions) => {
      // A reader that has seen enough (`| head`) closes the pipe; that is no failure.
      process.stdout.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
      });
      process.exitCode = await runPlan(dataTop(asked), options, new Date()).catch((error: unknown) => {
        console.error(shownFailure(error));
        return 1;
      });
    });
}

/** Answers the exit code. @throws KokoaError base_invalid, and what planOfDir throws */
async function runPlan(dir: string, options: PlanOptions, now: Date): Promise<number> {
  const planned = await planOfDir(dir, options, now);
  if (planned.kind === 'errors') {
    process.stdout.write(renderErrors(planned.judgement, dir, options.output));
    if (planned.of !== undefined) throw baseInvalid(planned.of);
    return 1;
  }
  for (const row of planned.notes.flatMap((note) => wrap(`note: ${note}`, ''))) console.error(row);
  process.stdout.write(renderChanges(planned.changes, options.output));
  if (planned.changes.guard.kind === 'refused') return 1;
  return options.detailedExitcode && !isUnchanged(planned.changes) ? EXIT_CHANGES : 0;
}

/** Reads both sides, judges them and plans, all as of `now`. Without `to` it is judged as a change of `from`. @throws KokoaError usage, and what else readRevision throws */
export async function planOfDir(
  dir: string,
  { from, to }: Pick<PlanOptions, 'from' | 'to'>,
  now: Date,
): Promise<Planned> {
  const [commit, head] = await headOf(dir, to);
  const base = await readRevision(dir, from, head.files);
  const load = fileLoader();
  const before = judgeData(base, now, load);
  const after = judgeData(head, now, load);
  const change = asChange(before, after);
  const refused = change.problems.filter(isError);
  if (to === undefined && refused.length > 0) return { kind: 'errors', judgement: change };
  const notes = [
    ...((await isBehind(dir, base.commit, commit)) ? [staleNote(from)] : []),
    ...(refused.length > 0 ? [refusedNote(from, refused)] : []),
  ];
  return plannedOf({ base: base.commit, before, after, from, notes, now });
}

/** Read first: a base has nearly all its files in common with it. */
async function headOf(dir: string, to: string | undefined): Promise<[commit: string, data: DataDir]> {
  if (to === undefined) return ['HEAD', readDataDir(dir)];
  const head = await readRevision(dir, to);
  return [head.commit, head];
}

export interface Sides {
  base: string;
  before: Judgement;
  after: Judgement;
  from: string;
  notes: string[];
  now: Date;
}

/** From two judged states to what people read. */
export async function plannedOf({ base, before, after, from, notes, now }: Sides): Promise<Planned> {
  if (after.problems.some(isError)) return { kind: 'errors', judgement: after };
  const isFirst = !before.loaded.some(({ kind }) => kind === 'kokoa');
  if (!isFirst && fleetErrors(before).length > 0) return { kind: 'errors', judgement: before, of: from };
  const { desired, absent } = isFirst ? { desired: emptyDesired(), absent: [] } : await liveOf(before);
  const published: PublishedState | undefined = isFirst
    ? undefined
    : { compiled: compileAt(now)(desired), commit: base };
  const build = compileAt(now, published?.compiled);
  const candidate = build(desiredOn(desired, after.loaded));
  const guard = verdictOf(published, candidate, build);
  return { kind: 'planned', changes: changesOf({ published, candidate, guard, absentAtBase: absent }), notes };
}

function staleNote(from: string): string {
  return `${JSON.stringify(from)} has commits that the other side lacks: what they added looks removed here; rebase or merge first`;
}

function refusedNote(from: string, [first, ...more]: readonly Problem[]): string {
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return `a pull request from ${JSON.stringify(from)} to this would be refused: ${first!.rule} in ${printable(first!.file)}${others}`;
}

function baseInvalid(from: string): KokoaError {
  const message = `kokoa.yaml or a node file has errors in ${JSON.stringify(from)}, so that nothing of it is published`;
  return new KokoaError('base_invalid', message, { hint: 'name the last commit before them: --from REV' });
}
