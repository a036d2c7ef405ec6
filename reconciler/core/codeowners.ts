// CODEOWNERS as kokoa.yaml wants it. Law: only the lines between the two marks are ours; all others stay as they are, byte for byte.
// The last line that matches a file counts, so a new block goes to the end.
import { isCodeOwner, OWNER_FORMS } from './code-owner.ts';
import { shown } from './shown.ts';

/** GitHub reads no larger one. */
export const CODEOWNERS_BYTES_MAX = 3 * 1024 * 1024;
export const BLOCK_BEGIN = '# kokoa:begin';
export const BLOCK_END = '# kokoa:end';
const BEGIN_LINE = `${BLOCK_BEGIN}: written by \`kokoa codeowners\` from kokoa.yaml; the last line that matches a file counts`;
const NEW_FILE = '# Who approves what. What no line below names is for the operators.\n';
/** Longer patterns stand where they end. */
const COLUMN_MAX = 40;

export interface OwnedTeam {
  readonly name: string;
  readonly owners?: readonly string[];
}

export interface CodeownersQuestion {
  /** The file as it is; undefined: there is none. */
  readonly before: string | undefined;
  /** Leads from the top of the repository to the data, with a slash at its end; or empty. */
  readonly folder: string;
  readonly teams: readonly OwnedTeam[];
  /** Empty: those that the file names. */
  readonly operators: readonly string[];
}

export type CodeownersAnswer =
  | { kind: 'text'; text: string; operators: readonly string[] }
  | { kind: 'refused'; message: string; hint: string };

/** The whole file as it should be. The same again changes nothing. */
export function codeowners({ before, folder, teams, operators: asked }: CodeownersQuestion): CodeownersAnswer {
  const parts = partsOf(before ?? '');
  if (parts === undefined)
    return refused('the marks of the block are not one pair', `keep one ${BLOCK_BEGIN} and one ${BLOCK_END} below it`);
  const operators = operatorsOf(parts, asked);
  if ('kind' in operators) return operators;
  if (!/^([A-Za-z0-9._-]+\/)*$/.test(folder))
    return refused(`the folder ${shown(folder)} cannot stand in CODEOWNERS`, 'rename it: letters, digits, . _ and -');
  const odd = [operators, ...teams.map(({ owners = [] }) => owners)].flat().find((owner) => !isCodeOwner(owner));
  if (odd !== undefined) return refused(`found the owner ${shown(odd)}, expected ${OWNER_FORMS}`, 'spell it so');
  const block = blockOf(rowsOf(folder, teams, operators));
  if (before === undefined) return answer(`${NEW_FILE}${columns([['*', operators]])}\n${block}`, operators);
  if (parts.block === undefined) return answer(`${ended(before)}${before === '' ? '' : '\n'}${block}`, operators);
  return answer(`${parts.above}${block}${parts.below}`, operators);
}

function answer(text: string, operators: readonly string[]): CodeownersAnswer {
  // Only ASCII is ours, and what was read is bounded in bytes.
  if (text.length <= CODEOWNERS_BYTES_MAX) return { kind: 'text', text, operators };
  return refused(
    `CODEOWNERS would have ${text.length} characters, of at most ${CODEOWNERS_BYTES_MAX}`,
    'name groups as owners',
  );
}

interface Parts {
  above: string;
  /** With its marks; undefined: there is none. */
  block: string | undefined;
  below: string;
}

/** Undefined: marks that are not one pair. */
function partsOf(text: string): Parts | undefined {
  const marks = [...text.matchAll(/^# kokoa:(?:begin|end)\b.*(?:\n|$)/gm)];
  if (marks.length === 0) return { above: text, block: undefined, below: '' };
  const [first, last] = marks;
  const isPair = marks.length === 2 && first![0].startsWith(BLOCK_BEGIN) && last![0].startsWith(BLOCK_END);
  if (!isPair) return undefined;
  const end = last!.index + last![0].length;
  return { above: text.slice(0, first!.index), block: text.slice(first!.index, end), below: text.slice(end) };
}

/** Those of the line `*`, else those asked for, else those that the block had for kokoa.yaml. */
function operatorsOf(
  { above, block = '', below }: Parts,
  asked: readonly string[],
): readonly string[] | Extract<CodeownersAnswer, { kind: 'refused' }> {
  const all = ownersIn(`${above}\n${below}`, /^\*$/);
  if (all.length > 0) {
    if (asked.length === 0 || all.join(' ') === asked.join(' ')) return all;
    return refused(
      `the line * names ${shown(all.join(' '))} as the operators`,
      'change that line, or leave the option out',
    );
  }
  const known = asked.length > 0 ? asked : ownersIn(block, /\/kokoa\.yaml$/);
  if (known.length > 0) return known;
  return refused('CODEOWNERS does not say who the operators are', 'name them: --operators @ORGANISATION/TEAM');
}

/** Of the last line whose pattern matches. */
function ownersIn(text: string, pattern: RegExp): string[] {
  const rows = text.split('\n').map((line) => line.replace(/#.*$/, '').trim().split(/\s+/));
  return rows.findLast(([path = '']) => pattern.test(path))?.slice(1) ?? [];
}

type Row = readonly [pattern: string, owners: readonly string[]];

function rowsOf(folder: string, teams: readonly OwnedTeam[], operators: readonly string[]): Row[] {
  const top = ['kokoa.yaml', 'edges/', 'origins/', 'routes/'].map((path): Row => [`/${folder}${path}`, operators]);
  const owned = teams
    .filter(({ owners = [] }) => owners.length > 0)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, owners }): Row => [`/${folder}routes/${name}/`, owners!]);
  return [['/.github/', operators], ...top, ...owned];
}

function blockOf(rows: readonly Row[]): string {
  return `${BEGIN_LINE}\n${columns(rows)}${BLOCK_END}\n`;
}

function columns(rows: readonly Row[]): string {
  const width = Math.min(COLUMN_MAX, Math.max(...rows.map(([pattern]) => pattern.length)));
  return rows.map(([pattern, owners]) => `${pattern.padEnd(width)} ${owners.join(' ')}\n`).join('');
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function refused(message: string, hint: string): Extract<CodeownersAnswer, { kind: 'refused' }> {
  return { kind: 'refused', message, hint };
}
