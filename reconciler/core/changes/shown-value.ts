// A value of the data as people may see it. Law: short, on one line, without what may be a secret, and without a character that acts on
// a terminal or turns the direction of a text.
import { withoutSecrets } from '../secret-parts.ts';

const SHOWN_CHARS_MAX = 60;
/** Beyond this nothing is looked at. */
const READ_CHARS_MAX = 20_000;
/** Of two long values this much before their first difference is shown. */
const CONTEXT_CHARS = 20;

/** Controls, format characters, separators, lone surrogates, unassigned. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}]/gu;

/** One value, from its beginning. */
export function shownValue(text: string, charsMax = SHOWN_CHARS_MAX): string {
  return cut([...cleaned(text)], 0, charsMax);
}

/** Two values that differ, cut so that the first difference shows. The same text twice: they differ in what is not shown. */
export function shownPair(from: string, to: string): [string, string] {
  const [a, b] = [[...cleaned(from)], [...cleaned(to)]];
  const differs = a.findIndex((character, at) => character !== b[at]);
  const at = differs === -1 ? a.length : differs;
  return [cut(a, at), cut(b, at)];
}

/** Text in which every character that could act on a terminal is written as `\u{…}`. */
export function plain(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

function cleaned(text: string): string {
  return plain(withoutSecrets(text.slice(0, READ_CHARS_MAX)));
}

/** At most `charsMax` characters around place `at`. */
function cut(characters: readonly string[], at: number, charsMax = SHOWN_CHARS_MAX): string {
  if (characters.length <= charsMax) return characters.join('');
  const from = at < charsMax ? 0 : at - CONTEXT_CHARS;
  const to = from + charsMax;
  return `${from > 0 ? '…' : ''}${characters.slice(from, to).join('')}${to < characters.length ? '…' : ''}`;
}
