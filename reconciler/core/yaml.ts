// The only door to YAML: bytes → plain data, or problems with their places. Every file of the data comes through here, and
// nothing here throws: what is hostile or broken is a Problem.
import {
  Composer,
  CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  Parser,
  parseDocument,
  Schema,
  stringify,
} from 'yaml';
import { lineTable } from './lines.ts';
import type { Position, Problem } from './problem.ts';
import { rules } from './rules.ts';
import { withoutSecrets } from './secret-parts.ts';
import { plainValue } from './yaml-plain.ts';
import { decodeText, type Finding } from './yaml-text.ts';
import { type LexerToken, TokenJudge } from './yaml-tokens.ts';
import { judgeKey, judgeScalar } from './yaml-values.ts';

export type { Pair, Scalar, YAMLMap } from 'yaml';
export type { Document };
export { isMap, isScalar, isSeq };

/** Problems reported for one file; one more says that there are others. */
export const PROBLEMS_PER_FILE_MAX = 20;
const MESSAGE_CHARS_MAX = 200;
/**
 * One schema for all files, where the library would make one for each. uniqueKeys off: it compares every key with every other one, and
 * toValue does it with a set.
 */
const COMPOSING = {
  ...({ version: '1.2', uniqueKeys: false, strict: true } as const),
  schema: new Schema({ schema: 'core', resolveKnownTags: true, merge: false }),
};

export interface ParsedYaml {
  /** Maps as plain objects. Undefined when the file could not be read as YAML at all. */
  value: unknown;
  problems: Problem[];
  /** Where the value at a JSON pointer stands, or its key, or the nearest parent of either. */
  locate(pointer: string, part?: 'key' | 'value'): Position;
}

/** Reads one file: YAML 1.2 core, one document, without anchors, tags, directives, merge keys or unusual numbers. */
export function parseYaml(file: string, bytes: Uint8Array): ParsedYaml {
  const decoded = decodeText(bytes, PROBLEMS_PER_FILE_MAX + 1);
  const text = decoded.text;
  const nowhere = () => ({ line: 1, column: 1 });
  if (decoded.kind === 'refused')
    return { value: undefined, problems: toProblems(file, text, decoded.findings), locate: nowhere };
  const plain = plainValue(text);
  const { value, findings } = plain === undefined ? wholeValue(text) : { value: plain, findings: [] };
  const problems = toProblems(file, text, discreet(text, findings));
  return { value, problems, locate: value === undefined ? nowhere : lazyLocator(text) };
}

/** The value of any text that may stand in the data, with what is wrong with it; undefined when it cannot be read as YAML at all. */
export function wholeValue(text: string): { value: unknown; findings: Finding[] } {
  const { contents, findings } = compose(text);
  return { value: contents === undefined ? undefined : toValue(contents, findings), findings };
}

/** Plain data as YAML that this reader takes, with a line end: every entry on its own lines, or all of it in one. */
export function writeYaml(value: unknown, style: 'block' | 'flow'): string {
  return stringify(value, { collectionStyle: style, singleQuote: true, lineWidth: 0 });
}

/** A text that `parseYaml` found nothing wrong with, as nodes with their comments, to be laid out anew. */
export function openYaml(text: string): Document.Parsed {
  return parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: false, merge: false });
}

/** Two spaces, no line broken in two, one line end at the end. */
export function closeYaml(document: Document.Parsed): string {
  return document.toString({ indent: 2, lineWidth: 0, singleQuote: true });
}

/** Every comment of a text, sorted, without the space around it. */
export function commentsOf(text: string): string[] {
  return [...lex(text)].flatMap(({ type, source }) => (type === 'comment' ? [source.trim()] : [])).sort();
}

/** The list as it is reported: at most `PROBLEMS_PER_FILE_MAX`, and one more that counts the rest. */
export function capProblems(problems: Problem[]): Problem[] {
  const next = problems[PROBLEMS_PER_FILE_MAX];
  if (next === undefined) return problems;
  const message = `found more problems than the ${PROBLEMS_PER_FILE_MAX} that are shown for one file`;
  const hint = 'correct the ones above and run it again';
  return [...problems.slice(0, PROBLEMS_PER_FILE_MAX), { ...next, rule: 'KK016', severity: 'error', message, hint }];
}

function compose(text: string): { contents: ParsedNode | undefined; findings: Finding[] } {
  try {
    const judge = new TokenJudge(PROBLEMS_PER_FILE_MAX + 1);
    const lexemes: string[] = [];
    for (const token of lex(text)) {
      lexemes.push(token.lexeme);
      if (!judge.accept(token)) break;
    }
    return judge.findings.length > 0 ? { contents: undefined, findings: judge.findings } : composeLexemes(lexemes);
  } catch {
    // The library's own limits. What it says is about its inside, not about the file.
    const hint = 'simplify the file until it is read';
    return {
      contents: undefined,
      findings: [{ offset: 0, rule: 'KK006', message: 'found YAML that cannot be read', hint }],
    };
  }
}

function* lex(text: string): Generator<LexerToken & { lexeme: string }> {
  let offset = 0;
  let scalarNext = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === CST.SCALAR) {
      scalarNext = true;
      yield { type: 'mark', source: '', offset, lexeme };
      continue;
    }
    const type = scalarNext ? 'scalar' : (CST.tokenType(lexeme) ?? 'scalar');
    scalarNext = false;
    const source = lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END ? '' : lexeme;
    yield { type, source, offset, lexeme };
    offset += source.length;
  }
}

function composeLexemes(lexemes: readonly string[]): { contents: ParsedNode | undefined; findings: Finding[] } {
  const composer = new Composer(COMPOSING);
  const findings: Finding[] = [];
  let contents: ParsedNode | undefined;
  for (const document of composer.compose(cst(lexemes), false)) {
    for (const { pos, code, message } of document.errors) findings.push(syntaxFinding(pos[0], code, message));
    contents = document.contents ?? undefined;
  }
  for (const { pos, code, message } of composer.streamInfo().errors)
    findings.push(syntaxFinding(pos[0], code, message));
  if (findings.length > 0) return { contents: undefined, findings };
  if (contents === undefined || (isScalar(contents) && contents.value === null && contents.source === '')) {
    const hint = 'write the content, or delete the file';
    return { contents: undefined, findings: [{ offset: 0, rule: 'KK002', message: 'found no content', hint }] };
  }
  return { contents, findings };
}

function* cst(lexemes: readonly string[]): Generator<CST.Token> {
  const parser = new Parser();
  for (const lexeme of lexemes) yield* parser.next(lexeme);
  yield* parser.end();
}

function syntaxFinding(offset: number, code: string, message: string): Finding {
  const text = message.replace(/\s+/g, ' ').slice(0, MESSAGE_CHARS_MAX);
  const hint =
    code === 'TAB_AS_INDENT'
      ? 'indent with spaces'
      : code === 'BAD_SCALAR_START'
        ? 'put the text in single quotes'
        : 'correct the line; text with special characters is safe in single quotes';
  return { offset, rule: 'KK006', message: `found broken YAML: ${text.charAt(0).toLowerCase()}${text.slice(1)}`, hint };
}

/** Plain data of a node. Recursion is bounded by the depth that TokenJudge allows. */
function toValue(node: ParsedNode | null, findings: Finding[]): unknown {
  if (isSeq(node)) return node.items.map((item) => toValue(item as ParsedNode, findings));
  if (isScalar(node)) {
    const finding = judgeScalar(node, node.range[0]);
    if (finding !== undefined) findings.push(finding);
    return node.value;
  }
  if (!isMap(node)) return null;
  const value: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const pair of node.items) {
    const key = pair.key as ParsedNode | null;
    const scalar = isScalar(key) ? key : undefined;
    const finding = judgeKey(scalar, (key ?? node).range[0], seen);
    if (finding !== undefined) findings.push(finding);
    else value[scalar?.value as string] = toValue(pair.value as ParsedNode | null, findings);
  }
  return value;
}

/** The findings, without what they quote where it may be a secret. */
function discreet(text: string, findings: readonly Finding[]): readonly Finding[] {
  if (findings.length === 0) return findings;
  const shown = withoutSecrets(text);
  return findings.map((finding) => {
    // To the end of the line: the character itself may be a star.
    const end = text.indexOf('\n', finding.offset);
    const [from, to] = [finding.offset, end === -1 ? text.length : end];
    if (shown.slice(from, to) === text.slice(from, to)) return finding;
    const { title } = rules[finding.rule];
    return { ...finding, message: `found ${title}, in lines that may hold a secret and are not repeated` };
  });
}

function toProblems(file: string, text: string, findings: readonly Finding[]): Problem[] {
  if (findings.length === 0) return [];
  const position = lineTable(text);
  const first = [...findings].sort((a, b) => a.offset - b.offset).slice(0, PROBLEMS_PER_FILE_MAX + 1);
  return first.map(({ offset, rule, message, hint }) => ({
    file,
    ...position(offset),
    rule,
    severity: 'error',
    message,
    hint,
  }));
}

/** Positions are wanted only for problems, so nothing is kept but the text, which is read again on the first question. */
function lazyLocator(text: string): ParsedYaml['locate'] {
  let places: Map<string, { key: Position; value: Position }> | undefined;
  return (pointer, part = 'value') => {
    places ??= collectPlaces(text);
    for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      const place = places.get(at);
      if (place !== undefined) return at === pointer ? place[part] : place.key;
    }
    return places.get('')?.value ?? { line: 1, column: 1 };
  };
}

function collectPlaces(text: string): Map<string, { key: Position; value: Position }> {
  const places = new Map<string, { key: Position; value: Position }>();
  const { contents } = compose(text);
  if (contents === undefined) return places;
  const position = lineTable(text);
  const visit = (pointer: string, node: ParsedNode | null, keyOffset: number): void => {
    places.set(pointer, { key: position(keyOffset), value: position(node?.range[0] ?? keyOffset) });
    if (isSeq(node))
      node.items.forEach((item, index) => {
        visit(`${pointer}/${index}`, item as ParsedNode | null, (item as ParsedNode | null)?.range[0] ?? keyOffset);
      });
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      if (isScalar(key) && typeof key.value === 'string' && !places.has(`${pointer}/${escapePointer(key.value)}`))
        visit(`${pointer}/${escapePointer(key.value)}`, value as ParsedNode | null, key.range?.[0] ?? 0);
    }
  };
  visit('', contents, contents.range[0]);
  return places;
}

/** RFC 6901, 3. */
function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
