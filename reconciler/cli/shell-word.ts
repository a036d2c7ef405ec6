// A word of a command that is printed to be typed.

/** Quoted for a POSIX shell where that is needed. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
