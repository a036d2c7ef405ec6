// Which refusals are the mistake of one part. Law: what shows that a bundle's signer means harm, or does not know what it signs, is never
// one: it condemns the whole bundle (docs/adr/0023).
import { STATE_REASON_CHARACTERS_MAX } from '../../bundle/api.ts';
import { KokoaError } from '../../bundle/error.ts';

/** Of checks of one route or public port. */
const OWN_CODES: ReadonlySet<string> = new Set([
  'backends_invalid',
  'paths_invalid',
  'limits_invalid',
  'stream_invalid',
  'unsafe_value',
]);

/** Why the part must be left out; undefined: it passes the check. @throws whatever is no mistake of one part */
export function mistakeIn<Part, Context>(
  check: (part: Part, context: Context) => void,
  part: Part,
  context: Context,
): string | undefined {
  try {
    check(part, context);
    return undefined;
  } catch (error) {
    if (error instanceof KokoaError && OWN_CODES.has(error.code)) return reasonOf(error.message);
    throw error;
  }
}

/** As a report and a log may carry it: one line of printable ASCII, bounded. */
export function reasonOf(message: string): string {
  return message
    .replace(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, STATE_REASON_CHARACTERS_MAX);
}
