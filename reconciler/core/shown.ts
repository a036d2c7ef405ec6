// A typed value in a message. Law: what has the shape of a secret is never in it.
import { withoutShapes } from './secret-shapes.ts';

/** Values are shown up to here. */
const SHOWN_CHARS_MAX = 60;
/** Beyond this nothing is looked at. */
const READ_CHARS_MAX = 20_000;

/** Quoted, and cut where it is long. Never for values that are secrets by their place. */
export function shown(text: string): string {
  const safe = withoutShapes(text.slice(0, READ_CHARS_MAX));
  return JSON.stringify(safe.length > SHOWN_CHARS_MAX ? `${safe.slice(0, SHOWN_CHARS_MAX)}…` : safe);
}
