// The parts of a file in which people paste secrets by mistake, found without parsing it, because it may be broken. Law: rather too
// much is hidden than one character of a password; a name that the schemas have may show, and nothing else of such a part.
import { schemas } from '../../schemas/by-kind.ts';
import { stars, withoutShapes } from './secret-shapes.ts';

/** Opens a part: everything that follows. `auth` only where it is not `auth.forward`, which names a service. */
const OPENING =
  /(?<![\w-])(?:auth(?=["']?\s{0,9}:(?!\s{0,9}\{?\s{0,9}["']?forward\b))|basic|users?|sealed|htpasswd|secrets?|credentials?|pass(?:wd|word|words)?)[\w-]{0,40}["']?\s{0,9}:/i;
/** Opens a part of one line. */
const TELLING =
  /(?:token|secret|passw|credential|authorization|cookie|api[_-]?key|private[_-]?key|preshared)[\w-]{0,40}["']?\s{0,9}[:=]/i;
/** In lines with these words long words are hidden. */
const SUSPECT = /token|key|secret|password|sealed|users|credential|authorization|\benv\b/i;
const LONG_WORD = /[A-Za-z0-9+/_.=:-]{20,}/g;
/** `headers.request.set` and its like: names of headers show, their values do not. */
const HEADERS = /(?<![\w-])set["']?\s{0,9}:/;
/** A line that begins with a property: its indentation, dashes of lists among it, and its name. */
const PROPERTY = /^([\s-]*)["']?([\w-]{1,60})["']?\s*:/;
/** Of a part, these may show. */
const SHOWN = /(?<![\w-])(?:basic|users|sealed|file|credential|env)\s{0,9}:/g;
/** Properties that stand inside a part and do not end it. */
const INSIDE = new Set(['auth', 'basic', 'users', 'sealed', 'file', 'credential', 'env', 'name', 'token']);

/** Every name of a property in the schemas that ends a part. */
let endings: ReadonlySet<string> | undefined;

/** A text of the same length and lines, in which stars stand for everything that may be a secret. */
export function withoutSecrets(text: string): string {
  endings ??= new Set([...Object.values(schemas)].flatMap(propertiesOf).filter((name) => !INSIDE.has(name)));
  const lines = withoutShapes(text).split('\n');
  let part: { indent: number; headers: boolean } | undefined;
  return lines
    .map((line) => {
      const [, before = '', name = ''] = PROPERTY.exec(line) ?? [];
      if (part !== undefined && endsPart(part, line, before.length, name)) part = undefined;
      if (part?.headers === false) return starred(line);
      if (part?.headers) return starredAfter(line, PROPERTY.exec(line)?.[0].length ?? 0);
      const secrets = OPENING.exec(line);
      const opening = secrets ?? HEADERS.exec(line);
      if (opening === null) return suspectLine(line);
      const closed = withoutFlowValues(line, endings!);
      if (closed !== undefined) return closed;
      part = { indent: indentOf(line), headers: secrets === null };
      return starredAfter(line, opening.index + opening[0].length);
    })
    .join('\n');
}

/**
 * A line of a flow map in which each part ends again: after its value comes a known property. Undefined: not all do, and then everything that
 * follows is hidden.
 */
function withoutFlowValues(line: string, known: ReadonlySet<string>): string | undefined {
  if (HEADERS.test(line)) return undefined;
  let shown = '';
  let depth = 0;
  for (let from = 0; ; ) {
    const rest = line.slice(from);
    const opening = OPENING.exec(rest);
    if (opening === null) return from === 0 ? undefined : shown + suspectLine(rest);
    for (const character of rest.slice(0, opening.index)) depth += DEPTH[character] ?? 0;
    const at = from + opening.index + opening[0].length;
    const end = depth > 0 ? endOfFlowValue(line, at, known) : undefined;
    if (end === undefined) return undefined;
    shown += line.slice(from, at) + starred(line.slice(at, end));
    from = end;
  }
}

const DEPTH: Readonly<Record<string, number>> = { '{': 1, '[': 1, '}': -1, ']': -1 };
/** After a comma: the next property of a flow map. */
const NEXT = /,\s{0,9}["']?([\w-]{1,60})["']?\s{0,9}:/y;

/** Where the comma stands behind the value that begins at `from`. Undefined: it goes on, its map ends with it, or what follows is not known. */
function endOfFlowValue(line: string, from: number, known: ReadonlySet<string>): number | undefined {
  let depth = 0;
  let quote: string | undefined;
  for (let at = from; at < line.length; at += 1) {
    const character = line[at]!;
    if (quote !== undefined) {
      if (quote === '"' && character === '\\') at += 1;
      else if (character === quote) quote = undefined;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === ',' && depth === 0) {
      NEXT.lastIndex = at;
      return known.has(NEXT.exec(line)?.[1] ?? '') ? at : undefined;
    }
    depth += quote === undefined ? (DEPTH[character] ?? 0) : 0;
    if (depth < 0) return undefined;
  }
  return undefined;
}

/** A part of values of headers ends with its indentation; one of secrets only where a known property follows, as it may be misplaced. */
function endsPart(part: { indent: number; headers: boolean }, line: string, column: number, name: string): boolean {
  if (part.headers) return line.trim() !== '' && indentOf(line) <= part.indent;
  return name === 'forward' || (column <= part.indent && endings!.has(name));
}

function indentOf(line: string): number {
  return /^[\s-]*/.exec(line)![0].length;
}

function starredAfter(line: string, at: number): string {
  return line.slice(0, at) + starred(line.slice(at));
}

function starred(text: string): string {
  let shown = '';
  let from = 0;
  for (const match of text.matchAll(SHOWN)) {
    shown += stars(text.slice(from, match.index)) + match[0];
    from = match.index + match[0].length;
  }
  return shown + stars(text.slice(from));
}

function suspectLine(line: string): string {
  const telling = TELLING.exec(line);
  if (telling !== null)
    return line.slice(0, telling.index + telling[0].length) + stars(line.slice(telling.index + telling[0].length));
  return SUSPECT.test(line) ? line.replace(LONG_WORD, stars) : line;
}

function propertiesOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { properties, examples: _, ...rest } = node as { properties?: object; examples?: unknown };
  const below = [...Object.values(properties ?? {}), ...Object.values(rest)].flatMap(propertiesOf);
  return [...Object.keys(properties ?? {}), ...below];
}
