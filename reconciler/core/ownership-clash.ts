// Two files that claim one name or one public port, of which one had it before the change. Law: whoever was there first is not at fault;
// the newcomer is told, once, whose it is.
import type { LoadedFile } from './files.ts';
import type { Change } from './ownership-change.ts';
import { claimOfRoute, isGranted, ownersOf } from './ownership-owners.ts';
import type { Problem } from './problem.ts';
import { publicPortKey } from './public-port.ts';
import type { RuleId } from './rules.ts';
import type { DesiredView } from './view.ts';

type RouteFile = LoadedFile<'route'>;
type Sides = Pick<Change, 'base' | 'head'>;

const HOSTNAME_CLASH = 'KK303' satisfies RuleId;
const CLASH_RULES: readonly string[] = [HOSTNAME_CLASH, 'KK345'] satisfies RuleId[];
/** What the team is not granted either is no second mistake. */
const GRANT_RULES: readonly string[] = ['KK302', 'KK340'] satisfies RuleId[];

export interface SettledClashes {
  problems: readonly Problem[];
  /** Paths of files that claim what another team has. */
  taken: ReadonlySet<string>;
}

/** The problems of the head, with those of a clash where they belong. */
export function settleClashes(sides: Sides, problems: readonly Problem[]): SettledClashes {
  const taken = new Set<string>();
  const settled = problems.flatMap((problem) => {
    const file = CLASH_RULES.includes(problem.rule) ? sides.head.route(problem.file) : undefined;
    if (file === undefined) return [problem];
    const holders = holdersOf(sides, file, problem.rule);
    const [first] = holders;
    if (first === undefined) return [problem];
    if (holders.includes(file)) return holders.length === 1 ? [] : [problem];
    if (first.team !== file.team) taken.add(file.path);
    return [{ ...problem, ...newcomerWords(sides, file, first, problem.rule) }];
  });
  return { problems: settled.filter(({ file, rule }) => !(taken.has(file) && GRANT_RULES.includes(rule))), taken };
}

/** Those that claim on both sides what a file claims now, and may: who took a name without a grant does not hold it. */
function holdersOf({ base, head }: Sides, file: RouteFile, rule: string): RouteFile[] {
  const kokoa = base.kokoa?.value;
  if (kokoa === undefined) return [];
  const before = new Set(claimants(base, head, file, rule));
  return claimants(head, head, file, rule)
    .filter((path) => before.has(path))
    .flatMap((path) => head.route(path) ?? [])
    .filter((holder) => isGranted(kokoa, holder.team!, claimOfRoute(holder)));
}

function claimants(view: DesiredView, head: DesiredView, file: RouteFile, rule: string): readonly string[] {
  if (rule === HOSTNAME_CLASH) return file.hostname === undefined ? [] : view.routesByHost(file.hostname);
  const pool = head.kokoa?.value?.pools[0]?.name;
  const key = pool === undefined || file.value === undefined ? undefined : publicPortKey(file.value, pool);
  return key === undefined ? [] : view.routesByPublicPort(key);
}

function newcomerWords(
  { base }: Sides,
  file: RouteFile,
  holder: RouteFile,
  rule: string,
): Pick<Problem, 'message' | 'hint'> {
  const isName = rule === HOSTNAME_CLASH;
  const what = isName ? `${file.hostname}` : `the public port ${file.value!.publicPort}`;
  const other = isName ? 'choose another name' : 'choose another port, or another pool';
  if (holder.team === file.team) {
    const message = `found ${what}, which ${holder.path} has already, expected one file for it`;
    return { message, hint: `edit ${holder.path}, or ${other}` };
  }
  const owners = ownersOf(base.kokoa!.value!, holder.team!);
  const message = `found ${what}, which belongs to team ${holder.team} (${holder.path}), expected ${isName ? 'a name' : 'a port'} that is free`;
  return { message, hint: `${other}; only ${owners} can give this one up` };
}
