// What a doctor found, and how it is said to a person at 80 columns: worst first. Law: whatever came from outside cannot act on a terminal.

export type Level = 'trouble' | 'warning' | 'ok';

export interface Finding {
  level: Level;
  /** A few words: what was looked at. */
  what: string;
  found: string;
  /** Absent: `found` says it already. */
  expected?: string;
  /** Absent: nothing is to be done. */
  todo?: string;
}

const ORDER: readonly Level[] = ['trouble', 'warning', 'ok'];
const COLUMNS = 80;
const LABEL_COLUMNS = 10;
const CHARACTERS_MAX = 600;

export function ok(what: string, found: string): Finding {
  return { level: 'ok', what, found };
}

/** In the order in which they came, within each level. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return ORDER.flatMap((level) => findings.filter((one) => one.level === level));
}

export function hasTrouble(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === 'trouble');
}

/** The last line counts them. */
export function findingsText(findings: readonly Finding[]): string {
  const count = (level: Level) => findings.filter((one) => one.level === level).length;
  const lines = worstFirst(findings).flatMap(findingLines);
  return [...lines, '', `${count('trouble')} in trouble, ${count('warning')} to look at, ${count('ok')} well`].join(
    '\n',
  );
}

function findingLines({ level, what, found, expected, todo }: Finding): string[] {
  return [
    ...labelled(level, `${what}: ${found}`),
    ...(expected === undefined ? [] : labelled('  wanted', expected)),
    ...(todo === undefined ? [] : labelled('  to do', todo)),
  ];
}

/** Broken at spaces; a word that is too long stays whole, because it is to be copied. */
function labelled(label: string, text: string): string[] {
  const lines: string[] = [];
  for (const word of shown(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS - LABEL_COLUMNS)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => `${(index === 0 ? label : '').padEnd(LABEL_COLUMNS)}${line}`);
}

/** Without what moves a cursor or turns text around. */
function shown(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, ' ').slice(0, CHARACTERS_MAX);
}
