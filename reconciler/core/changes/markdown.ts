// A document as GitHub-flavoured Markdown: lists instead of tables, because it is read on a phone, and bounded, because a comment is. Law:
// every value stands in a code span, where no markup, HTML, mention, reference or link of it counts.
import type { Document, Inline, Item, Line, Section } from './document-shape.ts';

/** GitHub takes 65 536 characters in a comment; the caller's own words need room too. */
export const MARKDOWN_CHARS_MAX = 60_000;
/** Fields of one item that are listed. */
const DETAILS_MAX = 12;
/** Room for the line that counts what is left out, and for what folds. */
const REST_CHARS = 120;
/** Items that are seen without unfolding. */
const SEEN_MAX = 20;
const WORDS = { removed: '**removed** ', added: '**added** ', changed: '**changed** ' } as const;

/** At most MARKDOWN_CHARS_MAX characters: each section keeps to its own bound, and together these leave room. */
export function documentAsMarkdown({ title, sections, closing }: Document): string {
  return `${[titleAsMarkdown(title), ...sections.map(sectionAsMarkdown), smallAsMarkdown(closing)].join('\n\n')}\n`;
}

export function titleAsMarkdown(title: string): string {
  return `### Plan: ${title}`;
}

/** What few will read, below everything. */
export function smallAsMarkdown(lines: readonly Line[]): string {
  return `<sub>${lines.map(lineText).join('<br>')}</sub>`;
}

/** A value as a code span that nothing in it can end. */
export function codeSpan(value: string): string {
  const longest = Math.max(0, ...[...value.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  // A space next to the fence is taken away where both sides have one (CommonMark 0.31.2, 6.1).
  const padded = /^[` ]|[` ]$/.test(value) ? ` ${value} ` : value;
  return value.trim() === '' ? '(empty)' : `${fence}${padded}${fence}`;
}

/** At most `charsMax` characters of it. What is loud is said in one box with its meaning, and is seen on the first screen of a phone. */
export function sectionAsMarkdown({ title, loud, intro, items, paste, charsMax }: Section): string {
  const head = [`**${title}**`, ...intro.map(lineText)];
  const before = loud ? `> [!CAUTION]\n> ${head.join('<br>')}` : head.join('\n\n');
  const after = paste === undefined ? '' : `\n\n${paste.lead}\n\n\`\`\`yaml\n${paste.yaml.trimEnd()}\n\`\`\``;
  const rows: string[] = [];
  let length = before.length + after.length + REST_CHARS;
  for (const item of items) {
    const row = itemText(item);
    if (length + row.length + 1 > charsMax) break;
    rows.push(row);
    length += row.length + 1;
  }
  const rest = items.length - rows.length;
  if (rest > 0) rows.push(`- … and ${rest} more`);
  return `${before}\n\n${folded(rows, items.length)}${after}`;
}

/** A long list is not to be scrolled through by everybody. */
function folded(rows: readonly string[], count: number): string {
  const [seen, more] = [rows.slice(0, SEEN_MAX), rows.slice(SEEN_MAX)];
  if (more.length <= 1) return rows.join('\n');
  const summary = `<details><summary>and ${count - SEEN_MAX} more</summary>`;
  return `${seen.join('\n')}\n\n${summary}\n\n${more.join('\n')}\n\n</details>`;
}

function itemText({ sign, line, details }: Item): string {
  const rest = details.length - DETAILS_MAX;
  const shown = details.slice(0, DETAILS_MAX).map((detail) => `  - ${lineText(detail)}`);
  const head = `- ${sign === undefined ? '' : WORDS[sign]}${lineText(line)}`;
  return [head, ...shown, ...(rest > 0 ? [`  - … and ${rest} more`] : [])].join('\n');
}

function lineText(line: Line): string {
  return line.map((part: Inline) => (typeof part === 'string' ? part : codeSpan(part.value))).join('');
}
