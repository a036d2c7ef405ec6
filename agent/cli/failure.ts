// A failure as a person reads it at 80 columns. Law: a word stays whole, because it is to be copied.
import { failureText } from '../../bundle/error.ts';

const COLUMNS = 80;
const INDENT = '  ';

/** The message, its code, and below them what to do; without a newline at its end. */
export function shownFailure(error: unknown): string {
  const [message = '', ...hint] = failureText(error).split('\n');
  return [...wrap(message, ''), ...hint.flatMap((line) => wrap(line.trimStart(), INDENT))].join('\n');
}

/** All but the first row are indented. */
function wrap(text: string, indent: string): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    if (row === '') row = `${indent}${word}`;
    else if (row.length + 1 + word.length <= COLUMNS) row = `${row} ${word}`;
    else {
      rows.push(row);
      row = `${INDENT}${word}`;
    }
  }
  return [...rows, row];
}
