// Words of nodes and providers, as they are shown. Law: bounded, on one line, and nothing in them acts on a terminal or a page.

const CHARS_MAX = 300;
const UNPRINTABLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}]/gu;

export function shownText(text: string): string {
  // Cut before and after: the escapes make it longer, and a long text is not worth the replacing.
  const cut = text.slice(0, CHARS_MAX);
  const plain = cut.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
  return text.length > CHARS_MAX || plain.length > CHARS_MAX ? `${plain.slice(0, CHARS_MAX - 1)}…` : plain;
}

/** ISO 8601; undefined where that is no time. */
export function shownTime(ms: number | undefined): string | undefined {
  if (ms === undefined || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return undefined;
  return new Date(ms).toISOString();
}
