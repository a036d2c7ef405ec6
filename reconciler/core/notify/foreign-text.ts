// Foreign words on their way to people. Law: one clean line of bounded length, in which nothing is a secret by its shape, nothing turns the
// direction of writing or hides, and no URL can be clicked.
import { withoutShapes } from '../secret-shapes.ts';

/** Beyond this nothing is looked at. */
const READ_CHARACTERS_MAX = 8_000;
const CUT = '…';

/** For text: what looks like a URL is broken, `https[:]//`. */
export function foreignLine(text: string, charactersMax: number): string {
  return cut(unclickable(plainLine(text)), charactersMax);
}

/** For places in which no markup counts and the reader is a program. */
export function cleanLine(text: string, charactersMax: number): string {
  return cut(plainLine(text), charactersMax);
}

/** For places in which markup counts: none of its characters is left. */
export function withoutMarkup(text: string, charactersMax: number): string {
  const bare = unclickable(plainLine(text)).replace(/[<>&@#*_~`|[\]()\\!{}$]/g, ' ');
  return cut(bare.replace(/ +/g, ' ').trim(), charactersMax);
}

function plainLine(text: string): string {
  const line = text
    .slice(0, READ_CHARACTERS_MAX)
    .toWellFormed()
    // White space of every kind, the separators of lines among it, is one space.
    .replace(/[\s\x85]+/g, ' ')
    // Control characters, and what is invisible: Cc and Cf of Unicode, the marks of direction among them.
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
  return withoutShapes(line);
}

function unclickable(text: string): string {
  return text.replace(/:(?=\/\/)/g, '[:]').replace(/\b(www|mailto)([.:])/gi, '$1[$2]');
}

function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  // Half a pair that the cut leaves is no character.
  return text.slice(0, charactersMax - CUT.length).replace(/[\ud800-\udbff]$/, '') + CUT;
}
