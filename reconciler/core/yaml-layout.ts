// One layout for every file of the data: properties in the order of the schema, two spaces, no quotes that do nothing. Law: a text is
// only replaced by one that says the same and keeps every comment; this is asked of each result, and of laying it out again.
import { isDeepStrictEqual } from 'node:util';
import type { Kind } from './files.ts';
import type { Problem } from './problem.ts';
import {
  closeYaml,
  commentsOf,
  type Document,
  isMap,
  isScalar,
  isSeq,
  openYaml,
  type Pair,
  parseYaml,
  type YAMLMap,
} from './yaml.ts';
import { type OrderedPlace, placeOf } from './yaml-layout-order.ts';
import { plainOrSingle } from './yaml-layout-quotes.ts';
import { decodeText } from './yaml-text.ts';
import { DEPTH_MAX } from './yaml-tokens.ts';

export type Layout =
  | { kind: 'text'; text: string }
  /** The file cannot be read: nothing is known of what it says. */
  | { kind: 'broken'; problems: Problem[] }
  /** The result would not say the same, or would change again. */
  | { kind: 'refused'; why: string };

/** Times that a text is laid out until it stays as it is: a comment inside of lists of lists moves up by one level each time. */
const ROUNDS_MAX = DEPTH_MAX + 2;

/** The canonical text of a file. `path` is for the problems. */
export function layOut(path: string, kind: Kind, bytes: Uint8Array): Layout {
  const { problems } = parseYaml(path, bytes);
  if (problems.length > 0) return { kind: 'broken', problems };
  const { text } = decodeText(bytes, 1);
  const after = settled(text, kind);
  if (after === undefined) return { kind: 'refused', why: 'its layout would change again each time' };
  const why = lossBetween(text, after);
  return why === undefined ? { kind: 'text', text: after } : { kind: 'refused', why };
}

/** What `after` would lose of what `before` says, in words; undefined: nothing, and it can be read. */
export function lossBetween(before: string, after: string): string | undefined {
  const [old, read] = [before, after].map((text) => parseYaml('', Buffer.from(text)));
  if (read!.problems.length > 0 || !isDeepStrictEqual(read!.value, old!.value))
    return 'it would not say the same any more';
  return isDeepStrictEqual(commentsOf(after), commentsOf(before)) ? undefined : 'a comment would be lost';
}

function settled(text: string, kind: Kind): string | undefined {
  let last = text;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const next = laidOut(last, kind);
    if (next === last && round > 0) return next;
    last = next;
  }
  return undefined;
}

function laidOut(text: string, kind: Kind): string {
  const { body, tail, hasGap } = withoutTail(text.replaceAll('\r\n', '\n'));
  const document = openYaml(body);
  if (document.directives) document.directives.docStart = null;
  document.commentBefore = squeezed(document.commentBefore);
  document.comment = withoutEnd(squeezed(document.comment));
  const { contents } = document;
  const header = takeFirstComment(contents);
  arrange(contents, placeOf(kind));
  giveHeader(contents, header);
  const laid = closeYaml(document);
  if (tail === '') return laid;
  return `${laid}${hasGap && !laid.endsWith('\n\n') ? '\n' : ''}${tail}`;
}

/** Comments that begin their lines after everything else: they are about the file, not about its last property. */
function withoutTail(text: string): { body: string; tail: string; hasGap: boolean } {
  const lines = text.split('\n');
  const last = lines.findLastIndex((line) => !/^(#.*|[ \t]*)$/.test(line));
  const first = lines.findIndex((line, index) => index > last && line.startsWith('#'));
  if (first === -1) return { body: text, tail: '', hasGap: false };
  const tail = lines.slice(first).map((line) => line.trimEnd());
  return {
    body: `${lines.slice(0, first).join('\n')}\n`,
    tail: `${withoutEnd(squeezed(tail.join('\n')))}\n`,
    hasGap: lines[first - 1]?.trim() === '',
  };
}

type Node = Document.Parsed['contents'];

/** Puts a node and everything in it into its layout. Recursion is bounded by the depth that reading allows. */
function arrange(node: unknown, place: OrderedPlace): void {
  if (isScalar(node)) plainOrSingle(node);
  if (!isMap(node) && !isSeq(node)) return;
  node.commentBefore = squeezed(node.commentBefore);
  node.comment = withoutEnd(squeezed(node.comment));
  if (isSeq(node)) {
    node.items.forEach((item, index) => {
      spaceOut(item as Node, index === 0);
      arrange(item, place.entry());
    });
    return;
  }
  sortItems(node as YAMLMap, place.names);
  node.items.forEach(({ key, value }, index) => {
    spaceOut(key as Node, index === 0);
    arrange(key, place.property(''));
    if (value !== null && !isScalar(value)) spaceOut(value as Node, true);
    if (isMap(value)) giveToFirst(value);
    arrange(value, place.property(isScalar(key) ? String(key.value) : ''));
  });
}

/** At most one blank line before an entry, and none before the first of its kind. */
function spaceOut(node: Node, isFirst: boolean): void {
  if (node === null) return;
  if (isFirst) node.spaceBefore = false;
  node.commentBefore = squeezed(node.commentBefore);
}

/** Those that the schema knows first, in its order; the others after them, in theirs. */
function sortItems(map: YAMLMap, names: readonly string[]): void {
  const rank = ({ key }: Pair) => {
    const at = isScalar(key) ? names.indexOf(String(key.value)) : -1;
    return at === -1 ? names.length : at;
  };
  map.items.sort((a, b) => rank(a) - rank(b));
}

/** What stands at the top of a file is about the file: it stays there, whichever property comes first. */
function takeFirstComment(contents: Node): string | undefined {
  const key = isMap(contents) ? contents.items[0]?.key : undefined;
  if (!isScalar(key)) return undefined;
  const comment = key.commentBefore ?? undefined;
  key.commentBefore = undefined;
  return comment;
}

function giveHeader(contents: Node, header: string | undefined): void {
  const key = isMap(contents) ? contents.items[0]?.key : undefined;
  if (isScalar(key)) key.commentBefore = joined(header, key.commentBefore);
}

/** What stands at the top of a block is about its first property, and goes where that goes. */
function giveToFirst(map: YAMLMap): void {
  const key = map.items[0]?.key;
  if (!isScalar(key) || map.flow) return;
  key.commentBefore = joined(map.commentBefore, key.commentBefore);
  map.commentBefore = undefined;
}

function joined(a: string | null | undefined, b: string | null | undefined): string | undefined {
  const parts = [a, b].filter((part) => typeof part === 'string');
  return parts.length === 0 ? undefined : squeezed(parts.join('\n'));
}

/** At most one blank line between comments. */
function squeezed<T extends string | null | undefined>(comment: T): T {
  if (typeof comment !== 'string') return comment;
  // A line end at the end of a comment is a blank line below it.
  return comment
    .replace(/^\n+/, '')
    .replace(/\n{2,}$/, '\n')
    .replace(/\n{3,}/g, '\n\n') as T;
}

function withoutEnd<T extends string | null | undefined>(text: T): T {
  return (typeof text === 'string' ? text.replace(/\n+$/, '') : text) as T;
}
