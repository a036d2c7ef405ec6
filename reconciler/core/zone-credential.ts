// Where the credentials of a zone lie. Law: no team's reference leads there, because no team can have a name that begins with `_`.
import type { ZoneCredentials } from '../../schemas/types.ts';
import type { ReadablePlace } from './secret-reference.ts';

/** The folder of the secrets directory, and what systemd's names begin with. */
const OPERATORS = '_zones';
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

/** Undefined when it names no place. */
export function zoneCredentialPlace({ file, credential }: ZoneCredentials): ReadablePlace | undefined {
  if (file !== undefined && NAME.test(file)) return { kind: 'file', team: OPERATORS, name: file };
  if (credential !== undefined && NAME.test(credential))
    return { kind: 'credential', name: `${OPERATORS}.${credential}` };
  return undefined;
}
