// Problems as people and machines read them. The data is hostile: no control or bidi character of it reaches a terminal, and
// none of it becomes a workflow command.
import { styleText } from 'node:util';
import type { Problem } from '../core/problem.ts';
import { withoutSecrets } from '../core/secret-parts.ts';

const COLUMNS = 80;

/** Everything that is not shown as itself: controls, format characters but joiners, separators, lone surrogates, unassigned. */
const UNPRINTABLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}]/gu;
/** Characters that take two columns on a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;
/** One JSON document: `{"problems": […]}`, characters that could act on a terminal written as escapes. */
export function problemsAsJson(problems: readonly Problem[]): string {
  const plain = problems.map(({ file, line, column, rule, severity, message, hint }) => ({
    file,
    line,
    column,
    rule,
    severity,
    message,
    hint,
  }));
  return `${withEscapes(JSON.stringify({ problems: plain }, null, 2))}\n`;
}

/** JSON or YAML in which no character can act on a terminal; within quotes the escapes say the same. */
export function withEscapes(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, jsonEscape);
}

/**
 * Workflow commands of GitHub Actions, which show problems beside the lines of a pull request. `folder` (with a slash, or empty)
 * leads from the top of the repository to the data.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function problemsAsGithub(problems: readonly Problem[], folder: string): string {
  return problems
    .map(({ file, line, column, rule, severity, message, hint }) => {
      const place = `file=${property(folder + file)},line=${line},col=${column},title=${rule}`;
      return `::${severity} ${place}::${commandText(`${message}\n${hint}`)}\n`;
    })
    .join('');
}

/**
 * For people at a terminal, 80 columns. `lineOf` answers a line of a file, where there is one; from the parts of it that hold secrets,
 * which one line cannot tell, without them.
 */
export function problemsAsText(
  problems: readonly Problem[],
  lineOf: (problem: Problem) => string | undefined,
  colour: boolean,
): string {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  return problems
    .map((problem) => {
      const { file, line, column, rule, severity, message, hint } = problem;
      const place = `${style('bold', `${printable(file)}:${line}:${column}`)} ${style(severity === 'error' ? 'red' : 'yellow', severity)} ${rule}`;
      const source = lineOf(problem);
      const frame = source === undefined || source.trim() === '' ? [] : frameOf(source, line, column);
      return [
        place,
        ...wrap(message, '  '),
        ...frame.map((row) => style('dim', row)),
        ...wrap(`hint: ${hint}`, '  '),
        '',
      ].join('\n');
    })
    .join('\n');
}

/** Text in which every character that could act on a terminal is written as `\u{…}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** The source line and a caret below the column; long lines are cut to the part around it. */
function frameOf(source: string, line: number, column: number): string[] {
  const gutter = `  ${line} | `;
  const room = COLUMNS - gutter.length - 2;
  const start = Math.max(0, Math.min(column - 1, source.length) - Math.floor(room / 2));
  const from = source.length > room ? start : 0;
  const before = shownPart(source, from, Math.min(column - 1, source.length));
  const after = shownPart(source, Math.min(column - 1, source.length), Math.min(source.length, from + room));
  const pad = [...before].map((character) => (WIDE.test(character) ? '  ' : ' ')).join('');
  return [`${gutter}${before}${after}`, `${' '.repeat(gutter.length - 2)}| ${pad}^`];
}

/** Characters from..to of a source line, fit for a terminal, with what may be a secret starred out. */
function shownPart(source: string, from: number, to: number): string {
  return printable(withoutSecrets(source).slice(from, to).replaceAll('\t', ' '));
}

/** Rows of at most 80 columns, as far as the words allow. `hanging`: what all but the first begin with. */
export function wrap(text: string, indent: string, hanging = `${indent}  `): string[] {
  const rows: string[] = [];
  let [row, begin] = [indent, indent];
  for (const word of printable(text).split(' ')) {
    if (row.length > begin.length && row.length + 1 + word.length > COLUMNS) {
      rows.push(row);
      row = begin = hanging;
    }
    row += row === begin ? word : ` ${word}`;
  }
  return [...rows, row];
}

function jsonEscape(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

function commandText(text: string): string {
  const safe = text.split('\n').map(printable).join('\n');
  // The runner takes `##[` for a command anywhere in a line, the older form of `::` (ActionCommand.TryParse).
  return safe
    .replaceAll('%', '%25')
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A')
    .replace(/#(?=#\[)/g, '\\u{23}');
}

function property(text: string): string {
  return commandText(printable(text)).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
