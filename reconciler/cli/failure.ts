// A failure as people read it, in 80 columns. Law: what a hint indents is a command or YAML to paste, and stays as it is.
import { failureText } from '../../bundle/error.ts';
import { wrap } from './problem-text.ts';

/** Without a newline at its end. */
export function shownFailure(error: unknown): string {
  return failureText(error)
    .split('\n')
    .flatMap((line, at) => (at === 0 ? wrap(line, '', '  ') : hintRows(line)))
    .join('\n');
}

/** `failureText` puts two spaces before every line of a hint. */
function hintRows(line: string): string[] {
  return /^ {3}/.test(line) ? [line] : wrap(line.trimStart(), '  ', '  ');
}
