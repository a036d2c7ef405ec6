// What a program of an operator said, as people may read it. Law: one short line of printable ASCII, without the credentials it was given.

const CHARACTERS_MAX = 300;
/** Of what was said, the last; longer than what is shown, so that nothing secret is cut in two there. */
const LOOKED_AT_MAX = 64 * 1024;
/** Shorter pieces of credentials are words that say nothing. */
const SECRET_CHARACTERS_MIN = 6;
const SEPARATORS = /[\s"'`{}[\](),;:=&?<>]+/;

/** Its end, where the reason usually stands. */
export function programWords(said: string, credentials = ''): string {
  let shown = printable(said.slice(-LOOKED_AT_MAX));
  for (const secret of secretsOf(credentials)) shown = shown.replaceAll(secret, '[credentials]');
  return shown.slice(-CHARACTERS_MAX).trim();
}

/** The whole text, its lines and their pieces, the longest first: none is the rest of another. */
function secretsOf(credentials: string): string[] {
  const lines = credentials.split('\n');
  const pieces = [credentials, ...lines, ...lines.flatMap((line) => line.split(SEPARATORS))].map(printable);
  return [...new Set(pieces)]
    .filter(({ length }) => length >= SECRET_CHARACTERS_MIN)
    .sort((a, b) => b.length - a.length);
}

function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]+/g, ' ').trim();
}
