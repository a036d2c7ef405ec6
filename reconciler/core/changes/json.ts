// Changes for programs: one JSON document, the value as it is.
import { type Changes, isUnchanged } from './change.ts';

/** `{"unchanged": …, …}`, two spaces, ends with a newline. */
export function changesAsJson(changes: Changes): string {
  return `${JSON.stringify({ unchanged: isUnchanged(changes), ...changes }, null, 2)}\n`;
}
