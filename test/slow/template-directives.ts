// The directives of a template, as something that can be taken out: a line that ends in a semicolon, or an `if` with all it holds.

export interface Directive {
  template: string;
  /** From 1. */
  line: number;
  /** How many lines it has. */
  lines: number;
  /** Without white space around it. */
  text: string;
}

/** Rows of a `map` or a `geo` are directives as well: each decides something. */
export function directivesOf(template: string, text: string): Directive[] {
  const found: Directive[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!.trim();
    const isBlock = /^if \(.*\{$/.test(line);
    if (line.startsWith('#') || !(line.endsWith(';') || isBlock)) continue;
    const count = isBlock ? lines.slice(index).findIndex((one) => one.trim() === '}') + 1 : 1;
    found.push({ template, line: index + 1, lines: count, text: line });
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
