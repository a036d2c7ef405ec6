// Lines of a label and what it says, for a terminal of 80 columns. Law: no line is longer, whatever stands in it.

const COLUMNS = 80;
const LABEL_COLUMNS = 14;

/** Broken after spaces and commas, or anywhere where there is neither; the label stands on the first line. */
export function labelledLine(label: string, text: string): string[] {
  const lines: string[] = [];
  const width = COLUMNS - LABEL_COLUMNS;
  for (let rest = text; rest !== ''; ) {
    const fits =
      rest.length <= width ? rest.length : Math.max(rest.lastIndexOf(' ', width), rest.lastIndexOf(',', width - 1) + 1);
    const end = fits > 0 ? fits : width;
    lines.push(`${(lines.length === 0 ? label : '').padEnd(LABEL_COLUMNS)}${rest.slice(0, end).trimEnd()}`);
    rest = rest.slice(end).trimStart();
  }
  return lines;
}
