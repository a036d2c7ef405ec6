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
      part = { indent: indentOf(line), headers: secrets === null };
      return starredAfter(line, opening.index + opening[0].length);
    })
    .join('\n');
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
