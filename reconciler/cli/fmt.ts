// `kokoa fmt`: gives every file of the data its one layout. Law: a file that cannot be read, or that would not say the same, is named
// and left as it is; all others are laid out nevertheless.
import { type Command, Option } from 'commander';
import { readDataDir } from '../adapters/data-dir.ts';
import { kindOf } from '../core/load.ts';
import { compareProblems, type Problem } from '../core/problem.ts';
import { type Layout, layOut } from '../core/yaml-layout.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { replaceSame } from './fmt-write.ts';
import { printable } from './problem-text.ts';

const HELP = `
Properties in the order of the schema, two spaces, no needless quotes. A comment
stays with the property below it; those at the top and at the end of a file stay
there. What a file says never changes: that is checked before it is written.

Exit code: 0 all is laid out, 1 --check found files that are not, or a file is
left as it is because it cannot be read, 2 wrong usage or an unreadable folder.`;

/** Adds the command. @throws KokoaError usage when DIR cannot be read, unwritable */
export function registerFmt(program: Command): void {
  program
    .command('fmt')
    .description('give the files of the data one layout; keeps comments')
    .argument('[dir]', DATA_TOP_HELP)
    .addOption(new Option('--check', 'write nothing, name the files that would change'))
    .addHelpText('after', HELP)
    .action((asked: string | undefined, { check = false }: { check?: boolean }) => {
      const dir = dataTop(asked);
      const { changed, left, total } = formatDir(dir, check);
      for (const path of changed) console.log(`${check ? 'would change' : 'formatted'} ${printable(path)}`);
      for (const line of left) console.error(line);
      if (left.length > 0 || (check && changed.length > 0)) process.exitCode = 1;
      else if (changed.length === 0) console.log(`ok: ${total} file${total === 1 ? '' : 's'}`);
    });
}

interface Formatted {
  /** Paths of the files that have another layout now, or would have. */
  changed: string[];
  /** What is said of each file that was left as it is. */
  left: string[];
  total: number;
}

/** @throws KokoaError usage when the folder cannot be read, unwritable */
function formatDir(dir: string, check: boolean): Formatted {
  const { files, problems } = readDataDir(dir);
  const left = problems.filter(({ severity }) => severity === 'error').map(lineOf);
  const changed: string[] = [];
  for (const { path, bytes = new Uint8Array() } of files) {
    const kind = kindOf(path);
    if (kind === undefined) continue;
    const layout = layOut(path, kind, bytes);
    if (layout.kind !== 'text') left.push(refusalOf(path, layout));
    else if (!Buffer.from(layout.text).equals(bytes)) {
      if (!check) replaceSame(dir, path, bytes, layout.text);
      changed.push(path);
    }
  }
  return { changed, left, total: files.length };
}

function refusalOf(path: string, layout: Exclude<Layout, { kind: 'text' }>): string {
  if (layout.kind === 'broken') return lineOf(layout.problems.toSorted(compareProblems)[0]!);
  return `${printable(path)}: left as it is: ${layout.why}. Please report the file`;
}

/** A message never repeats what may be a secret. */
function lineOf({ file, line, column, rule, message }: Problem): string {
  return `${printable(file)}:${line}:${column}: left as it is: ${printable(message)} (${rule})`;
}
