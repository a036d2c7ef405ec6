// Progress as GitHub-flavoured Markdown for a phone. Law: bounded however much is merged, and every value stands in a code span.
import type { Line } from '../changes/document-shape.ts';
import { codeSpan } from '../changes/markdown.ts';
import type { Progress } from './progress.ts';
import { type ProgressSection, progressDocument } from './progress-document.ts';
import type { ProgressItem } from './progress-item.ts';

/** Of one item. */
const DETAILS_MAX = 8;
/** Room for the line that counts what is left out. */
const REST_CHARS = 40;

/** At most COMMENT_CHARACTERS_MAX (ports/forge.ts): each section keeps to its own bound, and together these leave room. */
export function progressMarkdown(progress: Progress): string {
  const { title, sections, commit } = progressDocument(progress);
  const parts = [`### ${title}`, ...sections.map(sectionText), `<sub>merged as ${codeSpan(commit)}</sub>`];
  return `${parts.join('\n\n')}\n`;
}

function sectionText({ title, loud, items, isFolded, paste, charsMax }: ProgressSection): string {
  const rows = rowsWithin(items, charsMax).join('\n');
  const pasted = paste === undefined ? '' : `\n\nIf it is meant, this goes into kokoa.yaml:\n\n${fenced(paste)}`;
  if (isFolded) return `<details><summary><b>${title}</b></summary>\n\n${rows}\n\n</details>`;
  const head = loud ? `> [!CAUTION]\n> **${title}**` : `**${title}**`;
  return `${head}${rows === '' ? '' : `\n\n${rows}`}${pasted}`;
}

function rowsWithin(items: ProgressSection['items'], charsMax: number): string[] {
  const rows: string[] = [];
  let length = REST_CHARS;
  for (const make of items) {
    const row = itemText(make());
    if (length + row.length + 1 > charsMax) break;
    rows.push(row);
    length += row.length + 1;
  }
  const rest = items.length - rows.length;
  return rest > 0 ? [...rows, `- … and ${rest} more`] : rows;
}

function itemText({ word, line, details }: ProgressItem): string {
  const rest = details.length - DETAILS_MAX;
  const shown = details.slice(0, DETAILS_MAX).map((one) => `  - ${lineText(one)}`);
  const head = `- ${word === undefined ? '' : `**${word}** `}${lineText(line)}`;
  return [head, ...shown, ...(rest > 0 ? [`  - … and ${rest} more`] : [])].join('\n');
}

function lineText(line: Line): string {
  return line.map((part) => (typeof part === 'string' ? part : codeSpan(part.value))).join('');
}

/** A block that nothing in it can end (CommonMark 0.31.2, 4.5). */
function fenced(yaml: string): string {
  const longest = Math.max(2, ...[...yaml.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}yaml\n${yaml}\n${fence}`;
}
