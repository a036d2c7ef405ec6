// Where a reference leads. Law: two teams, or two names, never lead to the same place, so no team reaches another's secret.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { SecretReference } from '../../schemas/types.ts';

/** What an operator fills. Every part passed its pattern again, so it is safe as a path and as a name. */
export type ReadablePlace =
  | { kind: 'file'; team: string; name: string }
  | { kind: 'credential'; name: string }
  | { kind: 'env'; variable: string };

export type SecretPlace = ReadablePlace | { kind: 'sealed'; text: string } | { kind: 'nowhere'; reason: string };

const TEAM = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
const VARIABLE = /^[A-Z][A-Z0-9_]{0,62}$/;
const DIGEST_CHARACTERS = 8;

export function placeOf(team: string, { sealed, file, credential, env }: SecretReference): SecretPlace {
  if (!TEAM.test(team)) return nowhere('the name of the team has other characters than expected');
  if (sealed !== undefined) return { kind: 'sealed', text: sealed };
  if (file !== undefined && NAME.test(file)) return { kind: 'file', team, name: file };
  // A team's name has no dot: the first one ends it.
  if (credential !== undefined && NAME.test(credential)) return { kind: 'credential', name: `${team}.${credential}` };
  if (env === undefined || !VARIABLE.test(env)) return nowhere('it names no place');
  // Written with single underscores and a letter or digit at its end, the team ends where the first two underscores stand.
  if (team.includes('--')) return nowhere('a team with two dashes in a row has no variables: use file or credential');
  return { kind: 'env', variable: `KOKOA_SECRET_${team.toUpperCase().replaceAll('-', '_')}__${env}` };
}

/** The same text for the same reference of the same team, and for no other; `hostname`: of a certificate, which is judged for it. */
export function referenceKey(team: string, reference: SecretReference, hostname?: string): string {
  return canonicalJson({ team, reference, ...(hostname !== undefined && { hostname }) });
}

/** For people: of a sealed text only what tells it from others. */
export function referenceName({ sealed, file, credential, env }: SecretReference): string {
  if (sealed !== undefined) return `sealed ${sha256Hex(sealed).slice(0, DIGEST_CHARACTERS)}`;
  if (file !== undefined) return `file ${file}`;
  if (credential !== undefined) return `credential ${credential}`;
  return `env ${env}`;
}

function nowhere(reason: string): SecretPlace {
  return { kind: 'nowhere', reason };
}
