// From bytes to text that a person sees as it is: UTF-8, no NUL, no control, bidi or invisible characters, not even in comments. And
// that anybody may see: a file with a secret in it is read no further, so that no later message can repeat it.
import type { RuleId } from './rules.ts';
import { secretsIn } from './secret-shapes.ts';

/** Bytes of one file of the data. */
export const FILE_BYTES_MAX = 1024 * 1024;

/** What a check found, by offset in UTF-16 code units; it becomes a Problem once the lines are counted. */
export interface Finding {
  offset: number;
  rule: RuleId;
  message: string;
  hint: string;
}

export type TextResult = { kind: 'text'; text: string } | { kind: 'refused'; text: string; findings: Finding[] };

/**
 * Controls but tab, LF and CRLF; bidirectional controls; line and paragraph separators; zero-width and tag characters; noncharacters.
 * Joiners (U+200C, U+200D) stay: some scripts and emoji need them. A CR alone moves a terminal's cursor back over the line.
 */
const FORBIDDEN =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff\p{Bidi_Control}\u{e0000}-\u{e007f}\p{Noncharacter_Code_Point}]|\r(?!\n)/gu;

/** Texts in which nothing is forbidden: nearly all, told at a glance. */
const ORDINARY = /^[\t\n -~]*$/;
const STRICT = new TextDecoder('utf-8', { fatal: true });

/** Decodes a file. One leading byte order mark is dropped: it means UTF-8 and nothing else. Findings stop at `findingsMax`. */
export function decodeText(bytes: Uint8Array, findingsMax: number): TextResult {
  if (bytes.length > FILE_BYTES_MAX) {
    const message = `found more than ${FILE_BYTES_MAX} bytes, expected at most 1 MiB`;
    return refuse('', { offset: 0, rule: 'KK001', message, hint: 'keep one hostname or one machine per file' });
  }
  const nul = bytes.indexOf(0);
  const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const text = wide || nul !== -1 ? undefined : strictText(bytes);
  if (text === undefined) {
    const good = validPrefixLength(bytes);
    const at = wide ? 0 : nul === -1 ? good : Math.min(nul, good);
    const found = wide
      ? 'UTF-16'
      : at === nul
        ? 'a NUL byte'
        : `byte 0x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`;
    const before = new TextDecoder('utf-8').decode(bytes.subarray(0, at));
    const message = `found ${found}${wide ? '' : ', which is no UTF-8 text here'}, expected UTF-8 text`;
    return refuse(before, { offset: before.length, rule: 'KK003', message, hint: 'save the file as UTF-8 text' });
  }
  const conflict = mergeConflict(text);
  const findings = [...(conflict ?? forbiddenCharacters(text, findingsMax)), ...secrets(text, findingsMax)];
  return findings.length > 0 ? { kind: 'refused', text, findings } : { kind: 'text', text };
}

/** Characters of `text` that hide what it does, as findings; also used on values, where escapes such as "\u202e" can make them. */
export function forbiddenCharacters(text: string, findingsMax: number): Finding[] {
  if (ORDINARY.test(text)) return [];
  const findings: Finding[] = [];
  for (const match of text.matchAll(FORBIDDEN)) {
    const name = `U+${match[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
    findings.push({
      offset: match.index,
      rule: 'KK004',
      message: `found the character ${name}, expected none that is invisible or moves the text around it`,
      hint: 'delete the character; it is allowed nowhere, comments included',
    });
    if (findings.length === findingsMax) break;
  }
  return findings;
}

function secrets(text: string, findingsMax: number): Finding[] {
  return secretsIn(text, findingsMax).map(({ offset, length, shape: { what, rule, hint } }) => {
    const message = `found ${what} (${length} characters, which are not repeated), expected no secret in the data`;
    return { offset, rule, message, hint };
  });
}

/** The three kinds of lines that git leaves (git-merge(1), "how conflicts are presented"); one finding, however many there are. */
function mergeConflict(text: string): [Finding] | undefined {
  const start = /^<{7} /m.exec(text);
  if (start === null || !/^={7}\r?$/m.test(text) || !/^>{7} /m.test(text)) return undefined;
  const message = 'found the marks of a merge conflict, expected one version of the lines';
  const hint = 'keep what you want of both versions, and delete the lines with <<<<<<<, ======= and >>>>>>>';
  return [{ offset: start.index, rule: 'KK018', message, hint }];
}

function refuse(text: string, finding: Finding): TextResult {
  return { kind: 'refused', text, findings: [finding] };
}

/** Undefined: some byte is no UTF-8. */
function strictText(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes);
  } catch {
    return undefined;
  }
}

/** How many leading bytes are whole characters of UTF-8. Bisection, because the decoder does not say where it stopped. */
function validPrefixLength(bytes: Uint8Array): number {
  if (isUtf8(bytes, false)) return bytes.length;
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8(bytes.subarray(0, middle), true)) good = middle;
    else bad = middle;
  }
  // What is left may end in the first bytes of a character that does not go on: at most three.
  while (good > 0 && !isUtf8(bytes.subarray(0, good), false)) good--;
  return good;
}

function isUtf8(bytes: Uint8Array, cut: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
    return true;
  } catch {
    return false;
  }
}
