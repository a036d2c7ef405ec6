// The directives of a template, as something that can be taken out: a line that ends in a semicolon, or an `if` with all it holds.

export interface Directive {
  template: string;
  /** From 1. */
  line: number;
  /** How many lines it has. */
  lines: number;
  /** Without white space around it. */
  text: string;
  /** The line that opens the innermost block around it; '' at the top. */
  within: string;
  /** Which of those that are the same in such a block, from 1. */
  nth: number;
}

/** Rows of a `map` or a `geo` are directives as well: each decides something. */
export function directivesOf(template: string, text: string): Directive[] {
  const found: Directive[] = [];
  const blocks: string[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!.trim();
    const isBlock = /^if \(.*\{$/.test(line);
    if (line === '}') blocks.pop();
    else if (line.endsWith('{') && !isBlock) blocks.push(line);
    if (line.startsWith('#') || !(line.endsWith(';') || isBlock)) continue;
    const count = isBlock ? lines.slice(index).findIndex((one) => one.trim() === '}') + 1 : 1;
    const within = blocks.at(-1) ?? '';
    const nth = found.filter((one) => one.text === line && one.within === within).length + 1;
    found.push({ template, line: index + 1, lines: count, text: line, within, nth });
    index += count - 1;
  }
  return found;
}

/** `text` without `count` lines from `line` on. */
export function without(text: string, line: number, count: number): string {
  const lines = text.split('\n');
  lines.splice(line - 1, count);
  return lines.join('\n');
}
