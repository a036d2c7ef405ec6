// The web server's configuration language, as far as the templates use it. Law: what this reader takes for one statement nginx
// takes for the same one; whatever the two could read differently is refused.
import { KokoaError } from '../../bundle/error.ts';

export interface Statement {
  /** Quotes removed, escapes as written. */
  words: string[];
  block?: Statement[];
}

const DEPTH_MAX = 8;
/**
 * White space and comments, then one token. A bare word holds no quote, backslash, brace or `${`, where nginx has rules of its own;
 * after a quote comes white space, `;`, `{` or `)`.
 */
const TOKEN = /(?:[ \t\n]+|#[^\n]*\n)*(?:"((?:[^"\\]|\\.)*)"(?=[ \t\n;{)])|([^\s;{}"'\\#][^\s;{}"'\\]*)|([;{}])|$)/y;

/** Reads one file. @throws KokoaError tree_malformed */
export function parseNginx(text: string, file: string): Statement[] {
  const top: Statement[] = [];
  const open: Statement[][] = [top];
  let words: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw malformed(file, text.slice(start, start + 40));
    const word = match[1] ?? match[2];
    const mark = match[3];
    if (word !== undefined) words.push(word);
    else if (mark === '}') {
      if (words.length > 0 || open.length === 1) throw malformed(file, 'a brace that closes nothing');
      open.pop();
    } else if (mark !== undefined) {
      if (words.length === 0) throw malformed(file, 'a statement without a name');
      const statement: Statement = mark === '{' ? { words, block: [] } : { words };
      open.at(-1)!.push(statement);
      words = [];
      if (statement.block) open.push(statement.block);
      if (open.length > DEPTH_MAX) throw malformed(file, `blocks deeper than ${DEPTH_MAX}`);
    } else break;
  }
  if (words.length > 0 || open.length > 1) throw malformed(file, 'the end of the file inside a statement');
  return top;
}

export function malformed(file: string, found: string): KokoaError {
  return new KokoaError('tree_malformed', `${file}: found ${JSON.stringify(found.slice(0, 80))}`);
}
