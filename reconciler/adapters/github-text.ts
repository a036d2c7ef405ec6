// Text on its way to GitHub. Law: it is well-formed Unicode without control characters, and fits where it goes. What markdown makes of it
// is for whoever wrote it.

const CUT = '…';

/** Line feeds and tabs stay; other control characters go, and half a surrogate pair becomes U+FFFD. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
    .toWellFormed();
}

/** At most `charactersMax` UTF-16 units, never half a character. */
export function cutText(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const kept = text.slice(0, charactersMax - CUT.length);
  // A pair that was cut in two loses its first half as well.
  return (/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept) + CUT;
}

/** One clean line, for descriptions, titles and errors. */
export function oneLine(text: string, charactersMax: number): string {
  return cutText(
    cleanText(text.slice(0, charactersMax * 4))
      .replace(/[\s\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .trim(),
    charactersMax,
  );
}
