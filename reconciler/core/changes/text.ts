// A document for a terminal: 80 columns, plain text.
import type { Document, Inline, Item, Line, Section } from './document-shape.ts';

const COLUMNS = 80;
const SIGNS = { removed: '-', added: '+', changed: '~' } as const;

/** Ends with a newline. Only a word that is longer than a line makes a longer one. */
export function documentAsText({ title, sections, closing }: Document): string {
  const parts = [
    wrap(`Plan: ${title}`, '', '  '),
    ...sections.map(sectionRows),
    closing.flatMap((line) => wrap(textOf(line), '', '  ')),
  ];
  return `${parts.map((rows) => rows.join('\n')).join('\n\n')}\n`;
}

function sectionRows({ title, loud, intro, items, paste }: Section): string[] {
  return [
    loud ? `!! ${title.toUpperCase()}` : title,
    ...intro.flatMap((line) => wrap(textOf(line), '  ', '  ')),
    ...items.flatMap(itemRows),
    // At the margin, so that it can be copied as it is.
    ...(paste === undefined ? [] : [`  ${paste.lead}`, '', ...paste.yaml.trimEnd().split('\n')]),
  ];
}

function itemRows({ sign, line, details }: Item): string[] {
  const first = sign === undefined ? '  ' : `  ${SIGNS[sign]} `;
  return [
    ...wrap(textOf(line), first, '      '),
    ...details.flatMap((detail) => wrap(textOf(detail), '      ', '        ')),
  ];
}

function textOf(line: Line): string {
  return line.map((part: Inline) => (typeof part === 'string' ? part : part.value)).join('');
}

function wrap(text: string, first: string, indent: string): string[] {
  const rows: string[] = [];
  let row = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && columnsOf(row) + 1 + columnsOf(word) > COLUMNS) {
      rows.push(row);
      row = indent;
      isEmpty = true;
    }
    row += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...rows, row];
}

/** A character beyond ASCII may take two columns. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += character <= '\u007f' ? 1 : 2;
  return columns;
}
