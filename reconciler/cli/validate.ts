// `kokoa validate`: reads the data of a folder, judges it, and says every problem. It writes nothing and asks nobody.
import { relative, resolve, sep } from 'node:path';
import { type Command, Option } from 'commander';
import { readDataDir } from '../adapters/data-dir.ts';
import type { FileChange } from '../core/files.ts';
import { hidesMore, MORE_TO_FOLLOW } from '../core/more-to-follow.ts';
import { judgeChange } from '../core/ownership.ts';
import { changeBetween } from '../core/ownership-change.ts';
import { linesNeeded, type NeededLines } from '../core/ownership-lines.ts';
import type { Problem } from '../core/problem.ts';
import { withoutSecrets } from '../core/secret-parts.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { isError, type Judgement, judgeData } from './judgement.ts';
import { problemsAsGithub, problemsAsJson, problemsAsText, wrap } from './problem-text.ts';

const HELP = `
The folder need not be a git repository. A warning is worth reading; only errors
keep a file from the internet. What a rule means: kokoa explain KK112.

With --base the folder is judged as a change of that commit of its clone: who
owns a name, a port or an origin is what the base says, not the change itself;
what was wrong before, in files that are left alone, is a warning.

Exit code: 0 no errors, 1 errors in the data, 2 wrong usage or an unreadable
folder or commit.`;

interface Options {
  output: 'text' | 'json' | 'github';
  base?: string;
}

/** Adds the command. Exit code 0: no error (warnings may be), 1: an error in the data. @throws KokoaError usage when DIR cannot be read */
export function registerValidate(program: Command): void {
  program
    .command('validate')
    .description('say every problem of kokoa.yaml, routes/, origins/ and edges/')
    .argument('[dir]', DATA_TOP_HELP)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json', 'github']).default('text'))
    .option('--base <rev>', 'judge it as a change of a commit, such as origin/main')
    // 1 is for the data alone: what commander finds wrong with the arguments ends with 2.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .addHelpText('after', HELP)
    .action(async (asked: string | undefined, { output, base }: Options) => {
      const dir = dataTop(asked);
      const judgement = base === undefined ? judgeDir(dir) : await judgeDirAgainst(dir, base);
      // A reader that has seen enough (`| head`) closes the pipe; that is no failure.
      process.stdout.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
      });
      process.stdout.write(renderJudgement(judgement, dir, output));
      if (judgement.problems.some(isError)) process.exitCode = 1;
    });
}

/** Reads and judges a folder, as of `now`. @throws KokoaError usage when it cannot be read */
export function judgeDir(dir: string, now = new Date()): Judgement {
  return judgeData(readDataDir(dir), now);
}

/**
 * The same as a change of a commit of the clone around it.
 * @throws KokoaError usage when one of the two cannot be read; what readRevision throws
 */
export async function judgeDirAgainst(dir: string, base: string, now = new Date()): Promise<Judgement> {
  // Without a base nobody waits for what speaks to git and compares.
  const [{ readRevision }, { fileLoader }] = await Promise.all([
    import('../adapters/revision.ts'),
    import('./plan-sides.ts'),
  ]);
  const data = readDataDir(dir);
  const load = fileLoader();
  const head = judgeData(data, now, load);
  const before = judgeData(await readRevision(dir, base, data.files), now, load);
  return { ...head, problems: judgeChange(before, head), linesNeeded: linesNeeded(changeBetween(before, head)) };
}

/** As `kokoa validate` prints it; other commands that read the data print the same. */
export function renderJudgement(judgement: Judgement, dir: string, output: 'text' | 'json' | 'github'): string {
  const { problems, files } = judgement;
  if (output === 'json') return problemsAsJson(problems);
  if (output === 'github') return problemsAsGithub(problems, folderFromHere(dir)) + summary(judgement);
  const text = problemsAsText(problems, linesOf(files), coloured());
  return `${text}${text === '' ? '' : '\n'}${needs(judgement)}${summary(judgement)}`;
}

/** What a team sends to the operators before its first pull request. */
function needs({ linesNeeded: needed = [] }: Judgement): string {
  return needed.map(neededText).join('');
}

function neededText({ file, place, approvers, lines }: NeededLines): string {
  const intro = `${file} needs this ${place}, in a change of its own that is approved by ${approvers}:`;
  return [...wrap(intro, '', ''), '', lines, ''].join('\n');
}

/** https://no-color.org; a pipe gets no colours either. */
function coloured(): boolean {
  return process.stdout.isTTY === true && process.stdout.hasColors();
}

/** "3 problems in 2 files (1 warning)" or "ok: 2 routes, 2 origins, 2 edges". */
function summary({ problems, loaded }: Judgement): string {
  const warnings = problems.filter(({ severity }) => severity === 'warning').length;
  if (warnings === problems.length) {
    const counts = (['route', 'origin', 'edge'] as const).map((kind) =>
      count(loaded.filter((file) => file.kind === kind).length, kind),
    );
    return `ok: ${counts.join(', ')}${warnings > 0 ? `; ${count(warnings, 'warning')}` : ''}\n`;
  }
  const files = new Set(problems.map(({ file }) => file)).size;
  const found = `${count(problems.length, 'problem')} in ${count(files, 'file')}${warnings > 0 ? ` (${count(warnings, 'warning')})` : ''}`;
  return `${[found, ...(hidesMore(problems) ? wrap(MORE_TO_FOLLOW, '', '') : [])].join('\n')}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Answers lines as text, whatever the bytes are, without what may be secret in the file. Each file is read once. */
function linesOf(files: readonly FileChange[]): (problem: Problem) => string | undefined {
  const bytes = new Map(files.map((file) => [file.path, file.bytes]));
  const known = new Map<string, string[]>();
  return ({ file, line }) => {
    const lines = known.get(file) ?? withoutSecrets(new TextDecoder().decode(bytes.get(file))).split('\n');
    known.set(file, lines);
    return lines[line - 1]?.replace(/\r$/, '');
  };
}

/** From the working directory, which in a workflow is the top of the repository; outside of it, the path as it is. */
function folderFromHere(dir: string): string {
  const folder = relative(process.cwd(), resolve(dir)).split(sep).join('/');
  return folder === '' ? '' : `${folder}/`;
}
