// The YAML that nearly every file is made of, read line by line: names with plain or quoted values, and what is indented below them. Law:
// what is answered here is what the whole reader would answer, which a test compares; whatever is not certain is left to that reader.

/** Far below every limit of the whole reader (yaml-tokens.ts): nothing shorter can meet one. */
const CHARS_MAX = 16_384;
const DEPTH_MAX = 10;

/** Indentation, the dash of a list, a name, and what follows it. */
const LINE = /^( *)(- )?(?:([A-Za-z][\w-]{0,60}):(?: |$))?(.*)$/;
const NOTHING_SAID = /^(?: *#.*)?$/;

/** YAML 1.2.2, 10.3.2: nothing else that begins with a letter is anything but text. */
const WORDS: ReadonlyMap<string, boolean | undefined> = new Map([
  ['true', true],
  ['false', false],
  ...['True', 'TRUE', 'False', 'FALSE', 'null', 'Null', 'NULL'].map((word) => [word, undefined] as const),
]);
const RESERVED_NAMES = new Set(['constructor', 'prototype']);
const INTEGER = /^(?:0|[1-9][0-9]{0,14})$/;
/** No number: it begins with a letter or a slash, is an amount with a unit, or an IPv4 address, network or endpoint. */
const TEXT =
  /^(?:[A-Za-z/][\w./@+=-]*(?::[\w./@+=-]+)*|[0-9]+[A-Za-z]|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[/:][0-9]{1,5})?)$/;
/** ASCII without the quote and without escapes: between the quotes everything is meant as it stands. */
const QUOTED = /^(?:'[ -&(-~]*'|"[ !#-[\]-~]*")$/;

/** `[a, 'b', 3]`, of the same scalars; one in quotes that holds the separator is not certain. */
const FLOW_LIST = /^\[(.+)\]$/;
const FLOW_SEPARATOR = ', ';

type Scalar = string | number | boolean;

interface Line {
  column: number;
  dash: boolean;
  /** Of an entry of a map; an item of a list that is a map begins with one too. */
  name: string | undefined;
  /** Undefined: what is below. */
  value: Scalar | Scalar[] | undefined;
}

interface Lines {
  readonly all: readonly Line[];
  at: number;
}

/** The value of a text that is plain throughout; undefined: read it as a whole. `text` has been decoded by yaml-text.ts. */
export function plainValue(text: string): unknown {
  if (text.length > CHARS_MAX) return undefined;
  const all: Line[] = [];
  for (const source of text.split('\n')) {
    if (NOTHING_SAID.test(source)) continue;
    const line = readLine(source);
    if (line === undefined) return undefined;
    all.push(line);
  }
  const lines = { all, at: 0 };
  const value = readBlock(lines, 0, 0);
  return lines.at === all.length ? value : undefined;
}

function readLine(source: string): Line | undefined {
  const [, { length: column } = '', dash, name, rest = ''] = LINE.exec(source) ?? [];
  if (name === undefined && dash === undefined) return undefined;
  if (name !== undefined && (WORDS.has(name) || RESERVED_NAMES.has(name))) return undefined;
  // `name:` and no more: a space behind it is left to the whole reader, and so is a dash alone.
  const isOpen = rest === '' && source.endsWith(':');
  const value = isOpen ? undefined : (readScalar(rest) ?? readFlowList(rest));
  return value === undefined && !isOpen ? undefined : { column, dash: dash !== undefined, name, value };
}

function readScalar(source: string): Scalar | undefined {
  if (TEXT.test(source)) return WORDS.has(source) ? WORDS.get(source) : source;
  if (QUOTED.test(source)) return source.slice(1, -1);
  return INTEGER.test(source) ? Number(source) : undefined;
}

function readFlowList(source: string): Scalar[] | undefined {
  const [, items] = FLOW_LIST.exec(source) ?? [];
  const list = items?.split(FLOW_SEPARATOR).map(readScalar);
  return list?.every((item) => item !== undefined) ? list : undefined;
}

/** A map or a list that begins at a column of the next line. Stops at the first line that is not of it. */
function readBlock(lines: Lines, column: number, depth: number): unknown {
  const line = lines.all[lines.at];
  if (line?.column !== column || depth > DEPTH_MAX) return undefined;
  return line.dash ? readList(lines, column, depth) : readMap(lines, line, depth);
}

function readList(lines: Lines, column: number, depth: number): unknown[] | undefined {
  const list: unknown[] = [];
  for (let line = lines.all[lines.at]; line?.column === column && line.dash; line = lines.all[lines.at]) {
    const item = line.name === undefined ? line.value : readMap(lines, { ...line, column: column + 2 }, depth + 1);
    if (item === undefined) return undefined;
    if (line.name === undefined) lines.at += 1;
    list.push(item);
  }
  return list;
}

/** `first`: the next line, for an item of a list without its dash. */
function readMap(lines: Lines, first: Line, depth: number): unknown {
  const { column } = first;
  const map: Record<string, unknown> = {};
  for (let line: Line | undefined = first; line?.column === column; line = lines.all[lines.at]) {
    if (line.name === undefined || (line.dash && line !== first) || Object.hasOwn(map, line.name)) return undefined;
    lines.at += 1;
    const value = line.value ?? readBelow(lines, column, depth);
    if (value === undefined) return undefined;
    map[line.name] = value;
  }
  return map;
}

/** What stands below a name: deeper than it, or a list at its own column. */
function readBelow(lines: Lines, column: number, depth: number): unknown {
  const next = lines.all[lines.at];
  if (next === undefined || next.column < column || (next.column === column && !next.dash)) return undefined;
  return readBlock(lines, next.column, depth + 1);
}
