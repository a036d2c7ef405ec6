// Judges a YAML file by its lexer's tokens, before anything is built from it: depth, size, and the features nobody here needs.
// A parser that recurses never sees a deep file (20 000 brackets abort a process), and no alias is ever expanded.
import type { RuleId } from './rules.ts';
import type { Finding } from './yaml-text.ts';

export const DEPTH_MAX = 20;
/** Tokens of one file: words, signs, spaces, line ends, comments. A kokoa.yaml with 1 000 teams has about 40 000. */
const TOKENS_MAX = 100_000;
/** One text value. The longest that a schema allows is far below. */
const SCALAR_CHARS_MAX = 16_384;

/** A lexer token with its type. `mark`, `doc-mode` and `flow-error-end` are the lexer's own signs and stand for no text. */
export interface LexerToken {
  type: string;
  source: string;
  offset: number;
}

const REFUSED: Record<string, { rule: RuleId; found: string; hint: string }> = {
  anchor: { rule: 'KK007', found: 'an anchor', hint: 'write the value out; text that starts with & needs quotes' },
  alias: {
    rule: 'KK007',
    found: 'an alias',
    hint: "write the value out; a name that starts with * needs quotes: '*.hoge.com'",
  },
  tag: { rule: 'KK008', found: 'a tag', hint: 'delete it; text that starts with ! needs quotes' },
  'directive-line': {
    rule: 'KK009',
    found: 'a directive',
    hint: 'delete the line; text that starts with % needs quotes',
  },
};

/** Tokens that neither nest nor carry a value. */
const SILENT = new Set(['mark', 'space', 'newline', 'comment', 'doc-mode', 'flow-error-end', 'doc-start', 'doc-end']);
const TEXT = new Set(['scalar', 'single-quoted-scalar', 'double-quoted-scalar']);

/** Is shown every token of a file in order, and says when to stop. */
export class TokenJudge {
  readonly findings: Finding[] = [];
  readonly #findingsMax: number;
  readonly #nesting = new Nesting();
  #count = 0;
  #modes = 0;
  #starts = 0;
  #content = false;

  constructor(findingsMax: number) {
    this.#findingsMax = findingsMax;
  }

  /** False: look no further. A file with findings must not be parsed. */
  accept(token: LexerToken): boolean {
    const { type, source, offset } = token;
    const refused = REFUSED[type];
    if (refused !== undefined) {
      const message = `found ${refused.found} (${shorten(source)}), expected plain values`;
      this.findings.push({ offset, rule: refused.rule, message, hint: refused.hint });
      if (this.findings.length >= this.#findingsMax) return false;
    }
    if (this.#startsSecondDocument(type)) {
      const message = 'found the start of a second document, expected one document per file';
      return this.#stop({ offset, rule: 'KK010', message, hint: 'delete the --- or ... line' });
    }
    if (TEXT.has(type) && source.length > SCALAR_CHARS_MAX) {
      const message = `found a text of ${source.length} characters, expected at most ${SCALAR_CHARS_MAX}`;
      return this.#stop({ offset, rule: 'KK001', message, hint: 'shorten the text' });
    }
    if (++this.#count > TOKENS_MAX) {
      const message = `found more than ${TOKENS_MAX} words, signs and line ends, expected fewer`;
      return this.#stop({ offset, rule: 'KK001', message, hint: 'split the file' });
    }
    if (this.#nesting.enter(token) > DEPTH_MAX) {
      const message = `found more than ${DEPTH_MAX} levels inside each other, expected at most ${DEPTH_MAX}`;
      const hint = 'look for a bracket or an indentation that is repeated by mistake';
      return this.#stop({ offset, rule: 'KK005', message, hint });
    }
    return true;
  }

  #stop(finding: Finding): false {
    this.findings.push(finding);
    return false;
  }

  #startsSecondDocument(type: string): boolean {
    if (!SILENT.has(type) && type !== 'directive-line') this.#content = true;
    if (type === 'doc-mode') return this.#modes++ > 0;
    return type === 'doc-start' && (this.#starts++ > 0 || this.#content);
  }
}

/**
 * How deep the collections around a token are: open brackets plus open block collections, which begin at the columns of
 * `-`, `?` and of a key's first character, and end where something begins to their left (YAML 1.2.2, 8.2). Never too low.
 */
class Nesting {
  #flow = 0;
  #blocks: { column: number; sequence: boolean }[] = [];
  #lineStart = 0;
  /** Column of the first word since the last line end or indicator: where an implicit key begins. */
  #word: number | undefined;

  enter({ type, source, offset }: LexerToken): number {
    const column = offset - this.#lineStart;
    const lineEnd = source.lastIndexOf('\n');
    if (lineEnd !== -1) {
      this.#lineStart = offset + lineEnd + 1;
      this.#word = undefined;
    } else if (type === 'flow-error-end') this.#flow = 0;
    else if (type === 'flow-map-start' || type === 'flow-seq-start') {
      this.#word ??= column;
      this.#flow++;
    } else if (type === 'flow-map-end' || type === 'flow-seq-end') this.#flow = Math.max(0, this.#flow - 1);
    else if (SILENT.has(type) || this.#flow > 0) return this.#flow + this.#blocks.length;
    else if (type === 'seq-item-ind') this.#open(column, true);
    else if (type === 'explicit-key-ind') this.#open(column, false);
    else if (type === 'map-value-ind') this.#open(this.#word ?? column, false);
    else this.#word ??= column;
    return this.#flow + this.#blocks.length;
  }

  #open(column: number, sequence: boolean): void {
    for (let top = this.#blocks.at(-1); top !== undefined; top = this.#blocks.at(-1)) {
      // A sequence may stand at the column of the key that holds it; a key at the column of a sequence ends it.
      if (top.column < column || (top.column === column && (sequence || !top.sequence))) break;
      this.#blocks.pop();
    }
    const top = this.#blocks.at(-1);
    if (top?.column !== column || top.sequence !== sequence) this.#blocks.push({ column, sequence });
    this.#word = undefined;
  }
}

function shorten(source: string): string {
  return source.length > 40 ? `${source.slice(0, 39)}…` : source;
}
