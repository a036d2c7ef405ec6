// Which chunks a published config refers to, read back from its exact text.

const REFERENCE = /"sha256":"([0-9a-f]{64})"/g;

/**
 * The sha256 of every chunk that a canonical `config.json` names, in its order; none for an origin. The text is our own
 * canonical JSON, in which no string value can hold an unescaped quote, so what matches is a member and not part of a value.
 */
export function chunkReferencesIn(configText: string): string[] {
  return Array.from(configText.matchAll(REFERENCE), ([, sha256]) => sha256!);
}
