// What a preflight found, said by `join`: each thing once, and an error ends it.
import { KokoaError } from '../../bundle/error.ts';
import { type Finding, findingLines } from '../core/preflight.ts';

/**
 * Says what was not said before, and answers all that was said.
 * @throws KokoaError preflight_failed for an error, unless it is to be ignored
 */
export async function sayFindings(
  findings: readonly Finding[],
  { force }: { force?: boolean },
  before: readonly string[] = [],
): Promise<string[]> {
  const said = findings.map((finding) => findingLines(finding).join('\n'));
  for (const text of said) if (!before.includes(text)) console.error(text);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  if (errors === 0 || force) return said;
  const what = errors === 1 ? 'one thing stands' : `${errors} things stand`;
  throw new KokoaError('preflight_failed', `${what} in the way`, {
    hint: 'mend it and join again; --force joins all the same',
  });
}
