// `kokoa rollback`: opens the pull request that brings older data back. It writes nothing here: not into the clone, not onto a branch of it.
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { folderInClone, hasCommit, newestDataCommit } from '../adapters/git-first-parents.ts';
import { type Revision, readRevision } from '../adapters/revision.ts';
import { documentOf } from '../core/changes/document.ts';
import type { FileBack, Rollback } from '../core/rollback.ts';
import { filesBack, rollbackCommands, rollbackText } from '../core/rollback.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { DEFAULT_BRANCH } from './followed-branch.ts';
import { addGithubOptions, forgeOf, type GithubCliOptions } from './github-options.ts';
import { planOfDir } from './plan.ts';
import { renderChanges } from './plan-print.ts';
import { printable, wrap } from './problem-text.ts';
import { renderJudgement } from './validate.ts';

const HELP = `
Without --to it undoes the newest commit of the branch that changed the data, a
merge as a whole: every host, machine and setting that came with it goes, and
what it took away comes back. The branch is what the clone knows of it: run git
fetch first. The same rollback is the same pull request, however often it is
asked for.

Without --github nothing is proposed: --print prints the git commands that do
it, and on standard error what they change.

Exit code: 0 the pull request is there, or --print; 1 it cannot be; 2 wrong
usage.`;

/** Characters of a commit id that git still finds. */
const SHORT = 10;

interface Options extends GithubCliOptions {
  to?: string;
  branch: string;
  print?: boolean;
}

/**
 * Adds the command. @throws KokoaError usage, nothing_to_roll_back, data_invalid, not_text, git_failed; what readRevision and the forge throw
 */
export function registerRollback(program: Command): void {
  const command = program
    .command('rollback')
    .description('open the pull request that brings older data back')
    .argument('[dir]', DATA_TOP_HELP)
    .option('--to <rev>', 'the commit whose data comes back (default: before the newest change)')
    .option('--branch <name>', 'the followed branch', DEFAULT_BRANCH)
    .option('--print', 'propose nothing, print the git commands');
  addGithubOptions(command)
    .addHelpText('after', HELP)
    .action(async (asked: string | undefined, options: Options) => {
      const dir = dataTop(asked);
      const forge = options.print ? undefined : await forgeOf(options, options.branch);
      try {
        const { rollback, files } = await rollbackIn(dir, options);
        const commands = rollbackCommands(rollback, topsOf(files));
        if (options.print) {
          for (const line of await foretold(dir, rollback)) console.error(line);
          return console.log(commands.join('\n'));
        }
        if (forge === undefined) throw notProposed(commands);
        const said = rollbackText(rollback, await planMarkdown(dir, rollback));
        const { number, url, isNew, state } = await forge.propose({ ...said, files });
        console.log(`${isNew ? 'opened' : `was there already, ${state}:`} #${number} ${printable(url)}`);
      } finally {
        forge?.close();
      }
    });
}

async function rollbackIn(dir: string, options: Options): Promise<{ rollback: Rollback; files: FileBack[] }> {
  const remote = `origin/${options.branch}`;
  const branch = (await hasCommit(dir, `refs/remotes/${remote}`)) ? remote : options.branch;
  const from = await readRevision(dir, branch);
  const undone = options.to === undefined ? await undoneIn(dir, from) : undefined;
  const to = await readRevision(dir, options.to ?? undone!.parents[0]!);
  const found = filesBack(from.files, to.files, await folderInClone(dir));
  const odd = found.find(({ text }) => text === undefined);
  if (odd !== undefined)
    throw new KokoaError('not_text', `${JSON.stringify(odd.path)} was no UTF-8 text at that commit`);
  const files = found as FileBack[];
  if (files.length === 0)
    throw new KokoaError('nothing_to_roll_back', `the data of ${branch} is already what it was at ${to.commit}`);
  const commit = undone && { ...undone, isMerge: undone.parents.length > 1 };
  return { rollback: { from: from.commit, to: to.commit, undone: commit, branch }, files };
}

async function undoneIn(dir: string, from: Revision) {
  const newest = await newestDataCommit(dir, from.commit);
  if (newest !== undefined && newest.parents.length > 0) return newest;
  throw new KokoaError('nothing_to_roll_back', 'no commit of the branch changed the data of one before it', {
    hint: 'A shallow clone has only the newest commits: git fetch --unshallow.',
  });
}

/** @throws KokoaError data_invalid when the older data would be refused today */
async function planMarkdown(dir: string, { from, to }: Rollback): Promise<string> {
  const planned = await planOfDir(dir, { from, to }, new Date());
  if (planned.kind === 'planned') return renderChanges(planned.changes, 'markdown');
  process.stderr.write(renderJudgement(planned.judgement, dir, 'text'));
  throw new KokoaError('data_invalid', `the data of ${planned.of ?? to} has errors today`, {
    hint: 'Nothing was proposed. Take it back by hand (--print), and mend it in the same pull request.',
  });
}

/** Said before the commands are copied: what they change, and why nothing of it would be published. */
async function foretold(dir: string, { from, to }: Rollback): Promise<string[]> {
  const all = `kokoa plan --from ${from.slice(0, SHORT)} --to ${to.slice(0, SHORT)}`;
  const planned = await planOfDir(dir, { from, to }, new Date());
  if (planned.kind === 'errors')
    return [
      `warning: the data of ${(planned.of ?? to).slice(0, SHORT)} has errors today; they are named by`,
      `  ${all}`,
    ];
  const { title } = documentOf(planned.changes);
  const { guard } = planned.changes;
  const refusals = guard.kind === 'refused' ? guard.reasons.flatMap(({ message }) => wrap(message, '  ')) : [];
  return [
    `plan: ${title}`,
    ...(refusals.length > 0 ? ['warning: the guard refuses it, nothing of it would be published:', ...refusals] : []),
    `all of it: ${all}`,
  ];
}

/** What `git restore` is given: kokoa.yaml and the folders, from the top of the clone. */
function topsOf(files: readonly FileBack[]): string[] {
  return [...new Set(files.map(({ path }) => `':(top,literal)${path.replaceAll("'", "'\\''")}'`))];
}

function notProposed(commands: readonly string[]): KokoaError {
  return new KokoaError('usage', 'nothing was proposed: found no --github, by which the pull request would be opened', {
    hint: ['By hand it is (kokoa rollback --print):', ...commands.map((line) => `  ${line}`)].join('\n'),
  });
}
