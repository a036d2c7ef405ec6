// `kokoa codeowners`: who approves what, for GitHub, made from the teams in kokoa.yaml. It writes one file or none.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { codeowners, type OwnedTeam } from '../core/codeowners.ts';
import { readCodeowners, writeCodeowners } from './codeowners-file.ts';
import { openDataFolder } from './data-folder.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { printable } from './problem-text.ts';

const HELP = `
It writes one block of lines into .github/CODEOWNERS (or where the repository
has its CODEOWNERS) and leaves all others: a folder for each team with owners,
everything else of the data and .github for the operators. These are the owners
of the line *, or of --operators where there is no such line.

GitHub asks owners only where a rule of the branch says so: "Require review from
Code Owners".

Exit code: 0 written, or as it should be; 1 --check found another text, or it
cannot be written; 2 wrong usage.`;

const SHOWN_LINES_MAX = 40;
const SHOWN_CHARS_MAX = 200;
const NOTES_MAX = 5;

interface Options {
  operators?: string[];
  check?: boolean;
}

/** Adds the command. @throws KokoaError usage, kokoa_missing, codeowners_refused, file_changed, unwritable */
export function registerCodeowners(program: Command): void {
  program
    .command('codeowners')
    .description('write who approves what, from the teams in kokoa.yaml')
    .argument('[dir]', DATA_TOP_HELP)
    .option('--operators <owner>', 'who approves what is no team’s, such as @octo-org/ops; may be repeated', collect)
    .addOption(new Option('--check', 'write nothing, say what would change'))
    .addHelpText('after', HELP)
    .action((asked: string | undefined, { operators = [], check = false }: Options) => {
      const { dir, kokoa } = openDataFolder(dataTop(asked));
      const found = readCodeowners(resolve(dir));
      const wanted = codeowners({ before: found.text, folder: found.folder, teams: kokoa.teams, operators });
      if (wanted.kind === 'refused')
        throw new KokoaError('codeowners_refused', `${found.path}: ${wanted.message}`, { hint: wanted.hint });
      for (const note of notesOn(kokoa.teams)) console.error(note);
      if (wanted.text === found.text) return console.log(`ok: ${found.path}`);
      if (!check) {
        writeCodeowners(found, wanted.text);
        return console.log(`wrote ${found.path}`);
      }
      for (const line of differenceOf(found.text ?? '', wanted.text)) console.log(line);
      console.error(`error: ${found.path} is not what kokoa.yaml wants (codeowners_stale)`);
      console.error('  kokoa codeowners writes it; commit it with the change of kokoa.yaml.');
      process.exitCode = 1;
    });
}

/** Right, and easily not meant. Names of teams are plain words (schemas/kokoa.schema.json). */
function notesOn(teams: readonly OwnedTeam[]): string[] {
  const alone = teams.filter(({ owners = [] }) => owners.length === 0);
  const shown = alone
    .slice(0, NOTES_MAX)
    .map(({ name }) => `note: team ${name} has no owners: the operators approve its routes`);
  return alone.length > NOTES_MAX ? [...shown, `note: … and ${alone.length - NOTES_MAX} more teams`] : shown;
}

/** Lines that go, then lines that come, around which everything is the same. What goes is hostile: no line begins with it. */
function differenceOf(before: string, after: string): string[] {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < old.length && old[start] === fresh[start]) start += 1;
  let end = 0;
  const room = Math.min(old.length, fresh.length) - start;
  while (end < room && old.at(-1 - end) === fresh.at(-1 - end)) end += 1;
  return [
    `@@ line ${start + 1} @@`,
    ...shownLines('-', old.slice(start, old.length - end)),
    ...shownLines('+', fresh.slice(start, fresh.length - end)),
  ];
}

function shownLines(sign: string, lines: readonly string[]): string[] {
  const shown = lines.slice(0, SHOWN_LINES_MAX).map((line) => `${sign}${safe(line)}`);
  const rest = lines.length - shown.length;
  return rest > 0 ? [...shown, `${sign}… and ${rest} more lines`] : shown;
}

/** GitHub’s runner takes `##[` for the start of a command wherever it stands in a line. */
function safe(line: string): string {
  return printable(line.slice(0, SHOWN_CHARS_MAX)).replaceAll('##[', '# #[');
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
